"""Commands: what ``mpafer COMMAND`` runs."""
