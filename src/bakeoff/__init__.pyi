from bakeoff.api import bakeoff as bakeoff
from bakeoff.api import load as load
from bakeoff.api import run as run
from bakeoff.errors import AssetError as AssetError
from bakeoff.errors import BakeoffError as BakeoffError
from bakeoff.errors import ConfigError as ConfigError
from bakeoff.errors import DataError as DataError
from bakeoff.errors import LLMError as LLMError
from bakeoff.errors import VariantsFailed as VariantsFailed
from bakeoff.results import Bakeoff as Bakeoff
from bakeoff.results import Run as Run
from bakeoff.results import Verdict as Verdict

__version__: str
