"""The contracts of components, as checks that a plugin's own tests call, in the manner of ``check_estimator``.

Each check raises ``AssertionError`` that names what does not hold, and returns the names of all that does::

    from bakeoff.testing import check_model, check_plugin

    def test_plugin():
        check_plugin("acme")

    def test_model():
        check_model("acme")
"""

from bakeoff.testing.data import check_data
from bakeoff.testing.llm import check_llm
from bakeoff.testing.metrics import check_metric
from bakeoff.testing.models import check_model
from bakeoff.testing.plugins import check_plugin
from bakeoff.testing.retrieval import check_retriever

__all__ = ["check_data", "check_llm", "check_metric", "check_model", "check_plugin", "check_retriever"]
