//! A study in, text out: table, JSON, CSV, Markdown.
