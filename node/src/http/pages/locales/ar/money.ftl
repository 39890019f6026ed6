# money
