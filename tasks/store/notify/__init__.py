"""The tables of rules and messages: which deals have changed, what rules know of products, what is to be sent."""
