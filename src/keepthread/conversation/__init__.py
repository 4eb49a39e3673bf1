"""A thread seen through a policy, with a turn being staged, and the state that is kept beside it."""
