"""Second opinions on risk: a deterministic one in the house, any OpenAI-compatible model, or none."""
