"""Decides by Spark's own parser whether a query only reads, and only what the lake holds.

A temporary view is no protection: DELETE FROM a view of a Delta table deletes the table's rows. Text is no guide
either, since only Spark's lexer knows where a string or a comment ends. So the parsed plan is walked as a whole, and
whatever it holds has to be on a list of what reads.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from py4j.java_gateway import JavaObject, is_instance_of
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from jobs.engine.errors import UsageError


def _named(words: str) -> frozenset[str]:
    return frozenset(re.findall(r"\S+", words))


_CATALYST = "org.apache.spark.sql.catalyst"
_PLAN, _EXPRESSION = f"{_CATALYST}.plans.logical.LogicalPlan", f"{_CATALYST}.expressions.Expression"
_ITERABLE, _PRODUCT = "scala.collection.Iterable", "scala.Product"

_RELATION, _WITH, _TABLE_FUNCTION = "UnresolvedRelation", "UnresolvedWith", "UnresolvedTableValuedFunction"
_DESCRIBED = "UnresolvedTableOrView"
_LISTINGS = frozenset({"ShowTables", "ShowViews"})
# The plans that a query is made of, then those of EXPLAIN, DESCRIBE and SHOW.
_READING = _LISTINGS | _named("""
    UnresolvedRelation UnresolvedWith UnresolvedTableValuedFunction UnresolvedTVFAliases UnresolvedInlineTable
    UnresolvedSubqueryColumnAliases UnresolvedHaving UnresolvedHint LocalRelation OneRowRelation OneRowRelation$ Project
    Filter Aggregate Sort GlobalLimit LocalLimit Offset Distinct Union Intersect Except Join LateralJoin AsOfJoin
    SubqueryAlias Generate Pivot Unpivot Sample Window WithWindowDefinition Repartition RepartitionByExpression
    PipeOperator
    ExplainCommand DescribeRelation DescribeColumn DescribeQueryCommand ShowColumns UnresolvedTableOrView
    CurrentNamespace$
""")
_TABLE_FUNCTIONS = _named("""
    range explode explode_outer posexplode posexplode_outer inline inline_outer stack json_tuple variant_explode
    variant_explode_outer sql_keywords collations
""")
_FUNCTION_NAMES = {"UnresolvedFunction": "nameParts", "UnresolvedGenerator": "name"}
# They call Java methods, or open a file or an address that one of their arguments names.
_OUTSIDE = _named("""
    CallMethodViaReflection TryReflect FromAvro ToAvro SchemaOfAvro FromProtobuf ToProtobuf XmlToStructs SchemaOfXml
""")
_OUTSIDE_PACKAGES = (f"{_CATALYST}.expressions.xml.",)
_SUBSTITUTION = "spark.sql.variable.substitute"


@contextmanager
def variables_off(session: SparkSession) -> Iterator[None]:
    """Keep `${env:NAME}` and `${system:NAME}` in a query as text, which Spark would replace before it parses."""
    before = session.conf.get(_SUBSTITUTION, "true")
    session.conf.set(_SUBSTITUTION, "false")
    try:
        yield
    finally:
        session.conf.set(_SUBSTITUTION, before or "true")


class _Refused(Exception):
    """What a query holds that is not allowed, as the middle of a sentence."""


def tables_read(session: SparkSession, query: str, known: frozenset[str]) -> set[str]:
    """Return the names out of `known` that a query reads; a listing (SHOW TABLES) reads them all.

    Raises:
        UsageError: the query would write, call Java, run a program, or read anything else than `known`.
        ParseException: the query is no valid SQL.
    """
    if not query.strip():
        raise UsageError("`spatiallake sql` only reads, and the query is empty; give it a SELECT.")
    try:
        return _Walk(session, known).names(_parsed(session, query))
    except _Refused as refused:
        raise UsageError(f"`spatiallake sql` only reads the lake's tables, and {refused}.") from None


def condition_fault(session: Any, condition: str) -> str | None:
    """Return what a condition holds besides computing on the columns of one row, as a clause; None if nothing.

    Raises:
        ParseException: the condition is no valid SQL.
    """
    try:
        parsed = session._jsparkSession.sessionState().sqlParser().parseExpression(condition)
        _ConditionWalk(session, frozenset()).names(parsed)
    except _Refused as refused:
        return str(refused)
    except Py4JJavaError as error:
        return f"Spark cannot parse it ({java_cause(error)})"
    return None


def _parsed(session: Any, query: str) -> JavaObject:
    try:
        return session._jsparkSession.sessionState().sqlParser().parsePlan(query)
    except Py4JJavaError as error:
        raise _Refused(f"Spark cannot parse this query ({java_cause(error)}); give it one SELECT") from None


def java_cause(error: Py4JJavaError) -> str:
    """Return the first line of what a Java exception says."""
    return str(error.java_exception).strip().split("\n")[0][:200]


class _Walk:
    """A walk over a parsed plan: plans, expressions, subqueries, and whatever else its nodes hold."""

    def __init__(self, session: Any, known: frozenset[str]) -> None:
        self._gateway = session.sparkContext._gateway
        self._catalog = session._jsparkSession.sessionState().catalog()
        self._known = known
        self._kinds: dict[str, str] = {}
        self._found: set[str] = set()

    def names(self, plan: JavaObject) -> set[str]:
        """Return the tables that a plan reads.

        Raises:
            _Refused: it holds something that is not on the lists.
        """
        # By hand, since a chain of a thousand operators is deeper than Python's stack. Beside each node stand the names
        # of the common table expressions that it sees.
        waiting: list[tuple[Any, frozenset[str]]] = [(plan, frozenset())]
        while waiting:
            node, seen = waiting.pop()
            if not isinstance(node, JavaObject):
                continue
            kind, name = self._kind(node)
            if kind == _PLAN:
                self._check_plan(node, name, seen)
            elif kind == _EXPRESSION:
                self._check_expression(node, name)
            if kind == _PLAN and name == _WITH:
                waiting.extend(self._with_parts(node, seen))
            else:
                waiting.extend((part, seen) for part in self._parts(node, kind))
        return self._found

    def _kind(self, node: Any) -> tuple[str, str]:
        full = node.getClass().getName()
        if full not in self._kinds:
            order = (_PLAN, _EXPRESSION, _ITERABLE, _PRODUCT)
            self._kinds[full] = next((one for one in order if is_instance_of(self._gateway, node, one)), "")
        return self._kinds[full], full.rpartition(".")[2]

    def _parts(self, node: Any, kind: str) -> Iterator[Any]:
        if not kind:
            return
        parts = node.iterator() if kind == _ITERABLE else node.productIterator()
        while parts.hasNext():
            yield parts.next()

    def _with_parts(self, node: Any, seen: frozenset[str]) -> Iterator[tuple[Any, frozenset[str]]]:
        relations = node.cteRelations().iterator()
        while relations.hasNext():
            pair = relations.next()
            own = frozenset({pair._1().lower()})
            yield pair._2(), seen | own if node.allowRecursion() else seen
            seen |= own
        yield node.child(), seen

    def _check_plan(self, node: Any, name: str, seen: frozenset[str]) -> None:
        if name not in _READING:
            raise _Refused(f"this query holds {name}, which goes beyond that; give it one SELECT")
        if name in _LISTINGS:
            self._found |= self._known
        elif name in (_RELATION, _DESCRIBED):
            self._check_name(list(self._parts(node.multipartIdentifier(), _ITERABLE)), seen)
        elif name == _TABLE_FUNCTION:
            parts = list(self._parts(node.name(), _ITERABLE))
            if len(parts) != 1 or parts[0].lower() not in _TABLE_FUNCTIONS:
                raise _Refused(f"{'.'.join(parts)}(...) reads elsewhere; read a table of the lake by its name")

    def _check_name(self, parts: list[str], seen: frozenset[str]) -> None:
        name = parts[0].lower()
        if len(parts) == 1 and name in seen:
            return
        if len(parts) == 1 and name in self._known:
            self._found.add(name)
            return
        if len(parts) == 1:
            tables = sorted(one for one in self._known if f"{one}_all" in self._known)
            views = sorted(one for one in self._known if one not in tables and not one.endswith("_all"))
            raise UsageError(
                f"No table `{parts[0]}` in this lake; the tables are {', '.join(tables)}, each also with _all for every"
                f" recipe; the views are {', '.join(views)}."
            )
        quoted = ".".join(f"`{part}`" for part in parts)
        raise _Refused(f"{quoted} is a path or a name outside of it; read a table of the lake by its name")

    def _check_expression(self, node: Any, name: str) -> None:
        if name == "ExpressionWithUnresolvedIdentifier":
            raise _Refused("IDENTIFIER(...) hides what is called; write the name itself")
        if name not in _FUNCTION_NAMES:
            return
        named = getattr(node, _FUNCTION_NAMES[name])()
        parts = list(self._parts(named, _ITERABLE)) if name == "UnresolvedFunction" else [named.unquotedString()]
        if not self._stays_inside(parts):
            raise _Refused(f"the function {'.'.join(parts)} is none of Spark's own that only compute; leave it out")

    def _stays_inside(self, parts: list[str]) -> bool:
        if len(parts) != 1:
            return False
        found = self._catalog.lookupBuiltinOrTempFunction(parts[0])
        if not found.isDefined() or found.get().getSource() != "built-in":
            return False
        # Operators that are written like functions have no class.
        package, _, kind = (found.get().getClassName() or f"{_CATALYST}.expressions.").rpartition(".")
        own = f"{package}.".startswith(f"{_CATALYST}.expressions.") and not f"{package}.".startswith(_OUTSIDE_PACKAGES)
        return own and kind not in _OUTSIDE


class _ConditionWalk(_Walk):
    """A walk over a condition, which may hold no plan: no subquery."""

    def _check_plan(self, node: Any, name: str, seen: frozenset[str]) -> None:
        raise _Refused("it holds a subquery; write a condition on the columns of one row")
