"""A comparison as files to keep and to send: a page, Markdown, CSV and Parquet."""
