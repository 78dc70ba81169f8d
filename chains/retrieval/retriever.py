"""Retrieval as a LangChain retriever."""

from collections.abc import Callable

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from chains.retrieval.retrieve import to_document
from chains.schema import Hit
from store.filters import Filters

Search = Callable[[str, int, Filters], list[Hit]]


class ChunkRetriever(BaseRetriever):
    """Gives the chunks that suit a question best, with their place in their file as metadata.

    `k` and `filters` may be given with each call: `retriever.invoke("...", k=3, filters={"path": "faq/*"})`.
    """

    search: Search
    k: int

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - the base class calls with it
        k: int | None = None,
        filters: Filters | None = None,
    ) -> list[Document]:
        return [to_document(hit) for hit in self.search(query, k or self.k, filters or {})]
