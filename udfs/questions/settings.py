"""Settings of the synthesize stage."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SynthesizeSettings(BaseModel):
    """How many questions an image may give, in which forms, and how sure an answer must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, description="seed of every random choice")
    max_qualitative: int = Field(default=20, ge=0, description="qualitative rows per image")
    max_quantitative: int = Field(default=20, ge=0, description="quantitative rows per image")
    max_per_type: int = Field(default=2, ge=1, le=2, description="rows per type and image")
    max_pairs: int = Field(
        default=48, ge=1, description="pairs of objects considered per image, sampled when there are more"
    )
    max_affordances: int = Field(
        default=0,
        ge=0,
        description="rows of either half per image about what fits, passes, reaches and is free, beside all others",
    )
    answers_per_image: int = Field(
        default=0,
        ge=0,
        description="rows per image of all types, the further ones too, each as often as facts allow; 0: the 38 types "
        "alone, as many as the two maxima say",
    )
    types: tuple[str, ...] = Field(
        default=(), description="with answers_per_image: ids of the types that are asked; none: all"
    )
    max_per_fact: int = Field(default=4, ge=1, description="with answers_per_image: rows that ask for the same fact")
    max_per_pair: int = Field(default=12, ge=1, description="with answers_per_image: rows about the same two objects")
    negative_share: float = Field(
        default=0.08, ge=0, le=0.5, description="with answers_per_image: rows whose question has no answer, and why"
    )
    solo_numbers: int = Field(default=2, ge=0, le=2, description="numbers of an image without a qualitative answer")
    letter_share: float = Field(default=0.25, ge=0, le=1, description="choice rows answered by an option letter")
    short_share: float = Field(default=0.2, ge=0, le=1, description="other rows answered in a word or two")
    precise_share: float = Field(default=0.02, ge=0, le=1, description="number rows that ask for precision")
    max_precise_sigma: float = Field(
        default=0.02, gt=0, description="largest error / the number where precision is asked for"
    )
    lengths: Literal["spoken", "meters"] = Field(
        default="spoken",
        description="spoken: in mixed units, rounded as people round; meters: in meters, to two significant digits",
    )
    max_relative_sigma: float = Field(default=0.25, gt=0, description="largest own error of a number / the number")
    sure_sigmas: float = Field(
        default=2.0, ge=0, description="standard errors by which a relation must hold to be asked about"
    )
    max_rest_sigma_m: float = Field(
        default=0.1, gt=0, description="largest depth error at which `rests on` is claimed, m"
    )
    noise_m: float = Field(
        default=0.0, ge=0, description="for studies: standard deviation of the noise on every length that is said, m"
    )
    validation_share: float = Field(default=0.02, ge=0, le=0.5, description="images in the validation split")
    test_share: float = Field(default=0.02, ge=0, le=0.5, description="images in the test split")
    keep_one_duplicate: bool = Field(
        default=False, description="ask about one image of each cluster of near-duplicates, the first and largest"
    )

    @property
    def asks_affordances(self) -> bool:
        """Return whether types of the group `affordance` are asked, too."""
        return self.max_affordances > 0

    @property
    def asks_many(self) -> bool:
        """Return whether all types are asked in turns, up to `answers_per_image` rows."""
        return self.answers_per_image > 0

    def changes(self) -> dict[str, Any]:
        """Return what the recipe hashes: the settings, and the types that plugins add.

        Settings added later are omitted at their defaults, so that older recipes stay the same.
        """
        # The registry imports the types, whose rules import this module.
        from udfs.questions.registry import plugin_types

        dense = ("answers_per_image", "types", "max_per_fact", "max_per_pair", "negative_share")
        later = ("noise_m", "lengths", "keep_one_duplicate", "max_affordances", *dense)
        fields = type(self).model_fields
        settings = self.model_dump(exclude={name for name in later if getattr(self, name) == fields[name].default})
        if self.noise_m:
            # Lakes of older versions hold other rows with the same noise.
            settings["noise"] = "drawn again"
        return settings | ({"plugin_types": list(plugin_types())} if plugin_types() else {})

    @model_validator(mode="after")
    def _equal_halves(self) -> "SynthesizeSettings":
        if self.max_qualitative != self.max_quantitative:
            raise ValueError(
                f"max_qualitative {self.max_qualitative} and max_quantitative {self.max_quantitative} differ, but "
                "half of the table is of either kind; set both to the same value"
            )
        return self
