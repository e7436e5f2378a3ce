"""Retrieval: embedders, chunkers, retrievers, rerankers, under the names that configs use."""

from typing import TYPE_CHECKING

from bakeoff import lazy

if TYPE_CHECKING:
    from bakeoff.retrieval.chunk import Markdown as Markdown
    from bakeoff.retrieval.chunk import Recursive as Recursive
    from bakeoff.retrieval.chunk import Sentences as Sentences
    from bakeoff.retrieval.chunk import Whole as Whole
    from bakeoff.retrieval.embed import Hashing as Hashing
    from bakeoff.retrieval.embed import MiniLM as MiniLM
    from bakeoff.retrieval.embed import OpenAIEmbeddings as OpenAIEmbeddings
    from bakeoff.retrieval.embed import SentenceTransformers as SentenceTransformers
    from bakeoff.retrieval.history import AsAsked as AsAsked
    from bakeoff.retrieval.history import ByLLM as ByLLM
    from bakeoff.retrieval.history import FollowUps as FollowUps
    from bakeoff.retrieval.rerank import MMR as MMR
    from bakeoff.retrieval.rerank import CrossEncoder as CrossEncoder
    from bakeoff.retrieval.rerank import Pointwise as Pointwise
    from bakeoff.retrieval.retrievers import BM25 as BM25
    from bakeoff.retrieval.retrievers import Dense as Dense
    from bakeoff.retrieval.retrievers import Hybrid as Hybrid
    from bakeoff.retrieval.retrievers import Reranked as Reranked
else:
    __getattr__, __dir__ = lazy.exports(__name__, __file__)
