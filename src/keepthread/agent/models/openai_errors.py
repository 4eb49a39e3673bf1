"""The errors of the OpenAI SDK as ours.

A provider's own words may repeat the key or the conversation, so an error of ours takes only its status and its codes;
the words stay in the exception that is the cause.
"""

from __future__ import annotations

import re
from http import HTTPStatus

import openai

from keepthread.errors import ModelError, ModelFailedError, ModelSetupError

# `context_length_exceeded` is such a word, `BadRequestError` as well; a key or a sentence is none.
_CODE = re.compile(r"[A-Za-z][A-Za-z_]{2,63}")

_SETUP_HINTS = {
    401: "Check OPENAI_API_KEY, or api_key=.",
    403: "This key may not use it: check the key's rights, and the model's name.",
    404: "Check the model's name, and base_url=.",
}
_PASSING = {408, 409, 429}


def model_error(failure: openai.OpenAIError, model: str, address: str) -> ModelError:
    """Return *failure* as an error of ours, for the model that was asked for and the host it was asked of."""
    if isinstance(failure, openai.APITimeoutError):
        return ModelFailedError(f"{address} did not answer in time.")
    if isinstance(failure, openai.APIConnectionError):
        return ModelFailedError(
            f"{address} cannot be reached, or broke off the connection.", hint="Check the network, and base_url=."
        )
    if isinstance(failure, openai.APIStatusError):
        return _refusal(failure, model, address)
    error = ModelFailedError(f"The OpenAI SDK failed with {type(failure).__name__}.")
    error.retryable = False
    return error


def _refusal(failure: openai.APIStatusError, model: str, address: str) -> ModelError:
    status = failure.status_code
    said = f"{address} refused a request for {model!r}: {status} {_reason(failure)}."
    if hint := _SETUP_HINTS.get(status):
        return ModelSetupError(said, hint=hint)
    error = ModelFailedError(said)
    error.retryable = status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return error


def _reason(failure: openai.APIStatusError) -> str:
    """Return the provider's code, or its type of error, or what HTTP calls the status."""
    for word in (failure.code, failure.type):
        # Not what the SDK declares: other servers send numbers here.
        if isinstance(word, str) and _CODE.fullmatch(word):
            return word
    try:
        return HTTPStatus(failure.status_code).phrase
    except ValueError:
        return "for a reason of its own"
