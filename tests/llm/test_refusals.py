"""What providers write where they say no, and what it means: texts as they are in use."""

from __future__ import annotations

import pytest

from smaker.llm.faults import Broken, Passing, Unusable, named_status, refusal


@pytest.mark.parametrize(
    ("status", "text", "kind", "code"),
    [
        (
            400,
            "This model's maximum context length is 8192 tokens. However, you requested",
            Unusable,
            "E_MODEL_CONTEXT",
        ),
        (400, "prompt is too long: 212000 tokens > 200000 maximum", Unusable, "E_MODEL_CONTEXT"),
        (400, "request (5018 tokens) exceeds the available context size (2048 tokens)", Unusable, "E_MODEL_CONTEXT"),
        (400, "Input tokens exceed the configured limit: too many tokens", Unusable, "E_MODEL_CONTEXT"),
        (413, "", Unusable, "E_MODEL_CONTEXT"),
        (
            500,
            "input (1140 tokens) is too large to process. increase the physical batch size",
            Unusable,
            "E_MODEL_CONTEXT",
        ),
        (500, "something broke", Passing, "E_UNAVAILABLE"),
        (400, "Invalid schema for response_format 'answer'", Unusable, "E_MODEL_REQUEST"),
        (422, "messages: field required", Unusable, "E_MODEL_REQUEST"),
        (400, "The response was filtered due to Azure's content management policy", Unusable, "E_MODEL_FILTERED"),
        (400, "registry.ollama.ai/library/gemma does not support tools", Broken, "E_UNAVAILABLE"),
        (404, 'model "qwen2.5-coder" not found, try pulling it first', Broken, "E_MODEL_UNKNOWN"),
        (400, "gpt-9 is not a valid model ID", Broken, "E_MODEL_UNKNOWN"),
        (404, "404 page not found", Broken, "E_MODEL_UNKNOWN"),
        (401, "invalid x-api-key", Broken, "E_MODEL_AUTH"),
        (400, "API key not valid. Please pass a valid API key.", Broken, "E_MODEL_AUTH"),
        (403, "Country, region, or territory not supported", Broken, "E_MODEL_AUTH"),
        (400, "Your credit balance is too low to access the Anthropic API", Broken, "E_UNAVAILABLE"),
        (429, "You exceeded your current quota, please check your plan and billing details", Broken, "E_UNAVAILABLE"),
        (402, "Insufficient Balance", Broken, "E_UNAVAILABLE"),
        (302, "", Broken, "E_UNAVAILABLE"),
        (429, "Rate limit reached for gpt-4.1: limit 30000 tokens per min", Passing, "E_UNAVAILABLE"),
        (529, "Overloaded", Passing, "E_UNAVAILABLE"),
        (503, "model is loading", Passing, "E_UNAVAILABLE"),
        (408, "", Passing, "E_UNAVAILABLE"),
    ],
)
def test_a_refusal_means_what_it_says(status, text, kind, code) -> None:
    fault = refusal(status, text)
    assert type(fault) is kind
    assert fault.code == code


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_is_taken_over_or_too_long(status) -> None:
    short, long = refusal(status, "", 60.0), refusal(status, "", 61.0)
    assert isinstance(short, Passing)
    assert isinstance(long, Broken)
    assert (short.wait_s, long.wait_s) == (60.0, 61.0)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"message": "x", "code": 429}, 429),
        ({"message": "x", "type": "authentication_error"}, 401),
        ({"message": "x", "type": "invalid_request_error", "code": "context_length_exceeded"}, 400),
        ({"message": "x", "type": "new_kind_of_error"}, 500),
        ({"message": "x", "code": True}, 500),
        ("just words", 500),
        ({}, 500),
    ],
)
def test_an_error_object_stands_for_a_status(error, status) -> None:
    assert named_status(error)[0] == status
