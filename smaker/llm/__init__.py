"""Language models: who is asked, how, and what happens when nobody answers.

`router.Router` is the way in. Below it a model is a `LanguageModel` made of others (the strategies) or of one provider
(`provider.ProviderModel`, which retries and counts), and a provider speaks over one wire: OpenAI's protocol,
Anthropic's, or litellm for all others.
"""
