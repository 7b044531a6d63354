"""Settings that make the region LWCAN offer every option."""

OPTIONS = """
[LWCAN.options]
anonymous = true
note = true
tribute = true

[LWCAN.funds.building]
en = "The building"
fr = "Le bâtiment"

[LWCAN.modes.card.fee]
basis_points = 290
fixed_minor = 30
"""
