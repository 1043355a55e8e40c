"""Optimisers as readable steps, step-size schedules, and the exact theory of the quadratic.

``momentum`` (gradient descent, stochastic descent, heavy ball, Nesterov), ``adagrad``, ``rmsprop``
and ``adam`` (with AdamW) hold the rules; ``schedules`` the step size as a function of time;
``trajectory`` follows a rule along any vector field; ``quadratic`` and ``noise`` predict what the
rules do. For two players, ``games`` holds vector fields, ``play`` and ``lookahead`` the
ways to step in them, ``game_spectrum`` the eigenvalues that say which of these converge.
"""
