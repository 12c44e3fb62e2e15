"""Parts of the ETL benchmark: data, contestants, measurement and report."""
