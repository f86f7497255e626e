"""What the mini-program calls: login, stores, goods, orders, payments, me."""
