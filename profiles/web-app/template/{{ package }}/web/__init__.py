"""The pages: how they are rendered, how forms come back, and who is looking at them."""
