"""Several processes that train one model: how they find each other, and what they agree on."""
