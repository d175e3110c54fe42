"""What people do in the shop: those who set it up, and staff and customers afterwards.

What lives here: one module a subject, each a class of actions on a `StoreState` that take its lock; `store` makes one
`LightspeedStore` of them. None of them asks for a token or a request budget, and those for products accept what an old
store may hold: duplicate names, SKUs and codes.

What it must not know: HTTP, routes, and each other.
"""
