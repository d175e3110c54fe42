"""The webhooks of a store: what is registered, and what they say."""
