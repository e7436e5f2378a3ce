"""Solutions: models made of other models, under the names by which a config calls them."""

from typing import TYPE_CHECKING

from bakeoff import lazy

if TYPE_CHECKING:
    from bakeoff.solutions.abstaining import Abstaining as Abstaining
    from bakeoff.solutions.base import HeldOut as HeldOut
    from bakeoff.solutions.base import Solution as Solution
    from bakeoff.solutions.calibrated import Calibrated as Calibrated
    from bakeoff.solutions.cascade import Cascade as Cascade
    from bakeoff.solutions.distilled import Distilled as Distilled
    from bakeoff.solutions.ensemble import Ensemble as Ensemble
    from bakeoff.solutions.per_segment import PerSegment as PerSegment
    from bakeoff.solutions.segmented import Segmented as Segmented
    from bakeoff.solutions.threshold import Threshold as Threshold
else:
    __getattr__, __dir__ = lazy.exports(__name__, __file__)
