"""All configured models: who is asked for which role, by which strategy."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from smaker.config.settings import ANTHROPIC, Llm, Ordered, Route, Strategy
from smaker.config.settings import Ensemble as EnsembleRoute
from smaker.config.settings import Weighted as WeightedRoute
from smaker.core.errors import ConfigError
from smaker.core.ports import Clock
from smaker.core.ports.llm import Embedder, LanguageModel, Request, Role, Traits
from smaker.core.secrets import Redactor
from smaker.llm import anthropic, litellm_wire, openai
from smaker.llm.breaker import Breaker
from smaker.llm.check import Checked, check, check_embedder
from smaker.llm.embedder import DEADLINES, LOCAL_DEADLINES, ProviderEmbedder
from smaker.llm.embedding import EmbeddingWire, OpenAIEmbeddings, Vectors
from smaker.llm.ensemble import Ensemble, Proposals
from smaker.llm.fallback import Fallback
from smaker.llm.faults import AUTH, Broken
from smaker.llm.mask import Mask
from smaker.llm.patience import Patience, Patiently
from smaker.llm.prices import Prices
from smaker.llm.provider import ProviderModel
from smaker.llm.round_robin import RoundRobin
from smaker.llm.traits import MeasuredTraits, known
from smaker.llm.transport import Transport
from smaker.llm.vectors import KeptVectors
from smaker.llm.weighted import Weighted
from smaker.llm.wire import LOCAL, Answer, Deadlines, Endpoint, OnText, Wire

_LOCAL_URL = "http://localhost:11434/v1"
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class Router:
    """Implements `smaker.core.ports.llm.Models` for the settings under ``llm``.

    Keys are read from ``environ`` by the names that the configuration gives, and ``redactor`` learns them, so that what
    it masks elsewhere lacks them too. Nothing is loaded or connected before the first question.
    """

    def __init__(
        self,
        llm: Llm,
        environ: Mapping[str, str],
        clock: Clock,
        redactor: Redactor,
        *,
        measured: Path | None = None,
        vectors: Path | None = None,
        deadlines: Deadlines | None = None,
        patience: Patience | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self.prices = Prices()
        self.measured = MeasuredTraits(measured) if measured is not None else None
        self._kept = KeptVectors(vectors) if vectors is not None else None
        self._llm = llm
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311  spreads load, guards nothing
        self._patience = patience or Patience()
        self._mask = Mask(redactor)
        self._transport = Transport(self._mask, clock)
        self._deadlines = deadlines
        self._keys: dict[str, str] = {}
        for name, provider in llm.providers.items():
            key = environ.get(provider.api_key_env or "", "").strip()
            if key:
                self._keys[name] = key
                redactor.add(name, key)
        self._breakers: dict[str, Breaker] = {}
        self._models: dict[str, ProviderModel] = {}
        self._embedders: dict[str, ProviderEmbedder] = {}
        self._roles: dict[tuple[Role, int], LanguageModel] = {}

    def for_role(self, role: Role, turn: int = 0) -> LanguageModel:
        """Who answers for ``role``: in the mode of one provider that provider, in hybrid mode the role's route. With
        ``turn`` n its providers in order, beginning with the n-th after the first."""
        if (role, turn) not in self._roles:
            self._roles[role, turn] = self._for_role(role, turn)
        return self._roles[role, turn]

    def named(self, name: str) -> LanguageModel:
        """One provider by its name, with the model of its configuration or, as "provider/model", with another."""
        provider, _, model = name.partition("/")
        configured = self._llm.providers.get(provider)
        if configured is None:
            raise ConfigError(
                f"there is no provider {provider!r} to ask for {name!r}",
                hint=f"Providers are {', '.join(self._llm.providers)}; add another under llm.providers",
            )
        if not configured.enabled and provider != self._llm.mode:
            raise ConfigError(
                f"provider {provider} is switched off", hint=f"smaker config set llm.providers.{provider}.enabled true"
            )
        return self._model(provider, model or configured.model)

    def embedder(self, provider: str | None = None) -> Embedder | None:
        """The first that a provider in use offers whose key is set, or this provider's; None if there is none."""
        llm = self._llm
        if llm.mode == "offline":
            return None
        names = llm.in_use() if provider is None else (provider,)
        offering = [name for name in names if name in llm.providers and llm.providers[name].embedding_model]
        ready = [name for name in offering if not isinstance(self._endpoint(name, ""), NoKey)]
        return self._embedder(next(iter(ready or offering))) if offering else None

    async def check(self, name: str) -> Checked:
        """Find out what the model of ``name`` (see `named`) can do, and keep it; and what the provider's embeddings are
        like, if it offers any. Raises what both raise."""
        model = self.named(name)
        assert isinstance(model, ProviderModel)
        provider, _, of_provider = model.name.partition("/")
        fresh = self._made(provider, of_provider, None)  # what was measured earlier must not limit what is measured now
        checked = await check(fresh)
        if self.measured is not None:
            await asyncio.to_thread(self.measured.keep, model.name, self.url(provider), checked.traits)
        del self._models[model.name]  # whoever asks for it from now on gets what was found out
        self._roles.clear()
        if not self._llm.providers[provider].embedding_model:
            return checked
        embedding = await check_embedder(self._embedder(provider, kept=False))
        return replace(checked, embedding=embedding, usage=checked.usage + embedding.usage)

    async def close(self) -> None:
        """Close connections."""
        await self._transport.close()

    def url(self, provider: str) -> str:
        """Return the base URL of a provider; "" where litellm knows it."""
        configured = self._llm.providers[provider]
        if configured.base_url is not None:
            return configured.base_url
        if provider in ANTHROPIC:
            return anthropic.URL
        return {"openai": openai.URL, "local": _LOCAL_URL}.get(provider, "")

    def _for_role(self, role: Role, turn: int) -> LanguageModel:
        llm = self._llm
        if llm.mode == "offline":
            raise ConfigError(
                f"no model is asked in mode offline, and {role} needs one",
                hint="smaker config set llm.mode openai (or claude, local, hybrid)",
            )
        if llm.mode != "hybrid":
            if llm.mode not in llm.providers:
                raise ConfigError(f"llm.mode is {llm.mode}, and llm.providers has no {llm.mode}", hint="Add it there")
            return self._model(llm.mode, llm.providers[llm.mode].model)
        route: Route | None = getattr(llm.routing, role.value)
        return self._route(role, tuple(llm.providers) if route is None else route, turn)

    def _route(self, role: Role, route: Route, turn: int) -> LanguageModel:
        if turn:
            names = self._enabled(role, _providers(route))
            first = turn % len(names)
            return self._by_strategy("fallback", names[first:] + names[:first])
        if isinstance(route, WeightedRoute):
            weights = {name: route.providers[name] for name in self._enabled(role, route.providers)}
            return self._weighted(weights)
        if isinstance(route, EnsembleRoute):
            names = self._enabled(role, route.propose)
            judge = route.reconcile
            if judge is not None and not self._is_enabled(judge):
                judge = names[0]
            return self._ensemble(names, judge)
        if isinstance(route, Ordered):
            return self._by_strategy(route.strategy, self._enabled(role, route.providers))
        return self._by_strategy(self._llm.strategy, self._enabled(role, route))

    def _by_strategy(self, strategy: Strategy, names: tuple[str, ...]) -> LanguageModel:
        if strategy == "weighted":
            return self._weighted(dict.fromkeys(names, 1))
        if strategy == "ensemble":
            return self._ensemble(names, names[0])
        members = [self.named(name) for name in names]
        if len(members) == 1:
            return members[0]
        return RoundRobin(members) if strategy == "round_robin" else Fallback(members)

    def _weighted(self, weights: Mapping[str, int]) -> LanguageModel:
        members = [(self.named(name), weight) for name, weight in weights.items()]
        return members[0][0] if len(members) == 1 else Weighted(members, self._chance)

    def _ensemble(self, names: tuple[str, ...], judge: str | None) -> LanguageModel:
        members = [self.named(name) for name in names]
        if len(members) == 1:
            return members[0]
        return Proposals(members) if judge is None else Ensemble(members, self.named(judge))

    def _enabled(self, role: Role, names: Iterable[str]) -> tuple[str, ...]:
        named = tuple(names)
        enabled = tuple(name for name in named if self._is_enabled(name))
        if not enabled:
            raise ConfigError(
                f"no provider is left for {role}: {', '.join(named)} is switched off or missing",
                hint=f"smaker config set llm.providers.{named[0]}.enabled true, or change llm.routing.{role}",
            )
        return enabled

    def _is_enabled(self, name: str) -> bool:
        provider = self._llm.providers.get(name)
        return provider is not None and provider.enabled

    def _model(self, provider: str, model: str) -> ProviderModel:
        name = f"{provider}/{model}"
        if name not in self._models:
            traits = self.measured.of(name, self.url(provider)) if self.measured is not None else None
            self._models[name] = self._made(provider, model, traits)
        return self._models[name]

    def _made(self, provider: str, model: str, traits: Traits | None) -> ProviderModel:
        here = self._is_here(provider)
        return ProviderModel(
            provider,
            model,
            self._wire(provider, model, self._deadlines or (LOCAL if here else Deadlines())),
            traits=traits or known(model, here=here),
            patiently=self._patiently(provider),
            mask=self._mask,
            prices=None if here else self.prices,
        )

    def _embedder(self, provider: str, *, kept: bool = True) -> ProviderEmbedder:
        model = self._llm.providers[provider].embedding_model
        assert model is not None
        if provider in ANTHROPIC:
            raise ConfigError(
                f"provider {provider} has no embeddings: the Anthropic protocol has none",
                hint=f"smaker config set llm.providers.{provider}.embedding_model null; another provider may have one",
            )
        if kept and provider in self._embedders:
            return self._embedders[provider]
        here = self._is_here(provider)
        made = ProviderEmbedder(
            provider,
            model,
            self.url(provider),
            self._embedding_wire(provider, model, self._deadlines or (LOCAL_DEADLINES if here else DEADLINES)),
            patiently=self._patiently(f"{provider} embeddings", replace(self._patience, slow_attempts=1)),
            mask=self._mask,
            prices=None if here else self.prices,
            kept=self._kept if kept else None,
        )
        if kept:
            self._embedders[provider] = made
        return made

    def _embedding_wire(self, provider: str, model: str, deadlines: Deadlines) -> EmbeddingWire:
        endpoint = self._endpoint(provider, model, deadlines)
        if isinstance(endpoint, NoKey):
            return endpoint
        if endpoint.url:
            return OpenAIEmbeddings(endpoint, self._transport)
        litellm_wire.require(provider)
        return litellm_wire.Litellm(endpoint, self._transport)

    def _is_here(self, provider: str) -> bool:
        return urlsplit(self.url(provider)).hostname in _HERE

    def _patiently(self, what: str, patience: Patience | None = None) -> Patiently:
        """A way to call what has a breaker of its own: a provider, or its embeddings alone."""
        breaker = self._breakers.setdefault(what, Breaker(self._clock))
        return Patiently(breaker, self._clock, patience=patience or self._patience, chance=self._chance)

    def _endpoint(self, provider: str, model: str, deadlines: Deadlines | None = None) -> Endpoint | NoKey:
        key = self._keys.get(provider)
        variable = self._llm.providers[provider].api_key_env
        if variable is not None and key is None:
            return NoKey(f"has no key: {variable} is not set")
        if key is not None and not (key.isascii() and key.isprintable()):
            return NoKey(f"has no usable key: {variable} holds characters that keys have not")
        return Endpoint(provider, model, self.url(provider), key, deadlines or Deadlines())

    def _wire(self, provider: str, model: str, deadlines: Deadlines) -> Wire:
        endpoint = self._endpoint(provider, model, deadlines)
        if isinstance(endpoint, NoKey):
            return endpoint
        if provider in ANTHROPIC:
            return anthropic.Anthropic(endpoint, self._transport)
        if endpoint.url:
            return openai.OpenAI(endpoint, self._transport)
        litellm_wire.require(provider)
        return litellm_wire.Litellm(endpoint, self._transport)


class NoKey:
    """The wire to a provider whose key is missing: others may answer in its place, and the user is told."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def call(self, request: Request, on_text: OnText | None) -> Answer:
        """Raise Broken."""
        del request, on_text
        raise Broken(self._why, code=AUTH)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Raise Broken."""
        del texts
        raise Broken(self._why, code=AUTH)


def _providers(route: Route) -> tuple[str, ...]:
    """The providers a route names, in its order."""
    if isinstance(route, EnsembleRoute):
        return route.propose
    return tuple(route.providers) if isinstance(route, WeightedRoute | Ordered) else route
