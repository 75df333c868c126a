"""Outcomes and reason codes of images, regions and objects that a stage rejects."""

from enum import StrEnum


class Outcome(StrEnum):
    """The three outcomes of a rejected row: an error, a filter decision, or a limit."""

    FAILED = "failed"
    FILTERED = "filtered"
    REFUSED = "refused"


class Reason(StrEnum):
    """The reason of a rejection; tables store the value."""

    # ingest, failed
    MISSING_FILE = "missing_file"
    TRUNCATED_IMAGE = "truncated_image"
    UNREADABLE_IMAGE = "unreadable_image"
    BAD_MANIFEST_ROW = "bad_manifest_row"
    DEPTH_MISSING = "depth_missing"
    DEPTH_UNREADABLE = "depth_unreadable"
    DEPTH_SIZE_MISMATCH = "depth_size_mismatch"
    BAD_DEPTH = "bad_depth"
    INSTANCES_MISSING = "instances_missing"
    INSTANCES_UNREADABLE = "instances_unreadable"
    INSTANCES_SIZE_MISMATCH = "instances_size_mismatch"
    MASK_WITHOUT_OBJECT = "mask_without_object"
    OBJECT_WITHOUT_MASK = "object_without_mask"
    BAD_INTRINSICS = "bad_intrinsics"
    BAD_POSE = "bad_pose"
    BAD_GRAVITY = "bad_gravity"
    BAD_BOX = "bad_box"
    # ingest, refused
    NOT_DOWNLOADED = "not_downloaded"
    OPT_OUT = "opt_out"
    TAKEN_DOWN = "taken_down"
    LICENCE_DENIED = "licence_denied"
    LICENCE_NOT_ALLOWED = "licence_not_allowed"
    LICENCE_UNKNOWN = "licence_unknown"
    OUTSIDE_ROOTS = "outside_roots"
    UNSUPPORTED_FORMAT = "unsupported_format"
    FILE_TOO_LARGE = "file_too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    TEXT_TOO_LONG = "text_too_long"
    NOT_AN_IMAGE = "not_an_image"
    LINK_NOT_FOLLOWED = "link_not_followed"
    TOO_MANY_OBJECTS = "too_many_objects"
    # filter
    SCORE_BELOW_THRESHOLD = "score_below_threshold"
    NOT_LIKE_TRAINING = "not_like_training"
    # context, depth
    NO_REGIONS = "no_regions"
    NO_DEPTH = "no_depth"
    NO_INTRINSICS = "no_intrinsics"
    # filter, context, depth: the model
    MODEL_OUTPUT_INVALID = "model_output_invalid"
    MODEL_CRASHED = "model_crashed"
    MODEL_TIMED_OUT = "model_timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    IMAGE_TOO_THIN = "image_too_thin"
    # lift, per object
    TOO_FEW_POINTS = "too_few_points"
    EMPTY_MASK = "empty_mask"
    NO_OBJECTS = "no_objects"
    # disambiguate, per object
    AMBIGUOUS = "ambiguous"
    NO_CAPTION = "no_caption"
    UNSURE_OBJECT = "unsure_object"
    UNSURE_NAME = "unsure_name"
    # synthesize
    NO_QUESTIONS = "no_questions"
    DIVIDED_DUPLICATES = "divided_duplicates"
    NEAR_DUPLICATE = "near_duplicate"
    # fuse
    VIEWS_CONTRADICT = "views_contradict"
    # any stage
    TIMED_OUT = "timed_out"
    UNEXPECTED_ERROR = "unexpected_error"
