"""How what a query found is written: in lines and tables, as CSV, JSON or Parquet, into a file that is whole."""
