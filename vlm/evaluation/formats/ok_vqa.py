"""OK-VQA, in the layout of VQAv2."""

from vlm.evaluation.formats.vqav2 import reader
from vlm.evaluation.layouts import Format

FORMAT = Format(name="ok_vqa", title="OK-VQA, laid out like VQAv2", items=reader("ok_vqa"))
