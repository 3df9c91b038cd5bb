"""The loops: a prompt or a failing command in, events out; ask, propose, consent, perform, report."""
