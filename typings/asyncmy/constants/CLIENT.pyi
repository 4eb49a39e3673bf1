SSL: int
