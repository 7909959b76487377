"""Who moves when: plan, windows, gate and admission decide; driver and conductor act on it.

The first four are pure, so that every rule can be read and tested without a
station; the last two hold no rule of their own.
"""
