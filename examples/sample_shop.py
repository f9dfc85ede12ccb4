"""The invented shop that `make_catalogue.py` draws from: what it sells, of what, made and sent by whom.

No brand or supplier here is known to be a company; the article numbers are of the range kept for use inside a shop.
Lists with shares are written as text, "ceramic 6 glass 2"; a "-" inside a name stands for a blank.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ABBREVIATIONS",
    "BRANDS",
    "COLOURS",
    "DECIMALS",
    "FAMILY_SHARES",
    "FORGOTTEN",
    "GTIN_PREFIXES",
    "MATERIALS",
    "N_COLLECTIONS",
    "SLIPS",
    "SUBCATEGORIES",
    "SUPPLIERS",
    "SYLLABLES",
    "WATTS",
    "Brand",
    "Material",
    "Subcategory",
    "Supplier",
]


@dataclass(frozen=True)
class Subcategory:
    """What the products of one subcategory have in common; numbers are those of the middle size."""

    category: str
    name: str
    share: float  # of all products
    words: str  # what a title calls it, "|" between
    materials: str  # names with their shares
    unit: str  # of `sizes`
    sizes: str
    price: float
    length_cm: float
    weight_g: float
    growth: tuple[float, float, float] = (0.6, 1.0, 1.5)  # exponents of size in price, length, weight
    capacity_l: float = 0.0  # 0: has none
    wattage: float = 0.0
    heel_cm: float = 0.0


# fmt: off
_S = Subcategory
SUBCATEGORIES = (
    _S("Kitchen", "Frying pans", 5, "frying pan|frypan|skillet", "aluminium 5 stainless-steel 3 cast-iron 2",
       "cm", "20 24 26 28 32", 34, 45, 1100, (0.8, 0.8, 1.7)),
    _S("Kitchen", "Saucepans", 4, "saucepan|sauce pot", "stainless-steel 6 aluminium 3 enamel 2",
       "cm", "14 16 18 20", 29, 36, 950, (0.9, 0.8, 1.8), 1.9),
    _S("Kitchen", "Kitchen knives", 4, "kitchen knife|chef's knife", "stainless-steel 8 ceramic 1",
       "cm", "9 12 15 18 20", 36, 27, 150, (0.7, 0.7, 1.1)),
    _S("Kitchen", "Mugs", 6, "mug|coffee mug|cup", "ceramic 6 enamel 2 glass 2",
       "ml", "200 250 300 350 450", 9, 11, 320, (0.4, 0.3, 0.7), 0.3),
    _S("Kitchen", "Storage jars", 4, "storage jar|canister", "glass 6 ceramic 2 plastic 3",
       "L", "0.5 0.75 1 1.5 2", 11, 12, 560, (0.5, 0.4, 0.8), 1.0),
    _S("Kitchen", "Kettles", 3, "kettle|electric kettle", "stainless-steel 5 plastic 4 glass 2",
       "L", "1 1.2 1.5 1.7", 42, 23, 1100, (0.5, 0.3, 0.6), 1.5, 2200),
    _S("Garden", "Plant pots", 5, "plant pot|planter|flower pot", "terracotta 5 plastic 4 ceramic 2 zinc 1",
       "cm", "12 16 20 26 34", 12, 20, 1300, (1.3, 1.0, 2.4), 3.6),
    _S("Garden", "Watering cans", 3, "watering can", "plastic 5 zinc 4 stainless-steel 1",
       "L", "1.5 5 8 10", 16, 46, 700, (0.5, 0.33, 0.6), 6.0),
    _S("Garden", "Garden hoses", 3, "garden hose|hose", "rubber 3 PVC 6", "m", "10 15 20 25 30 50", 28, 38, 3200,
       (0.8, 0.2, 1.0)),
    _S("Garden", "Secateurs", 3, "secateurs|pruning shears", "steel 6 aluminium 3", "cm", "18 20 21 23", 19, 21, 230),
    _S("Shoes", "Sneakers", 8, "sneakers|trainers", "textile 5 leather 3 synthetic 4", "EU", "36 38 40 41 42 43 44 45",
       69, 29, 720, (0.0, 1.0, 1.2), heel_cm=3.0),
    _S("Shoes", "Ankle boots", 5, "ankle boots|boots", "leather 6 suede 3 synthetic 3", "EU", "36 37 38 39 40 42",
       99, 27.5, 980, (0.0, 1.0, 1.2), heel_cm=4.5),
    _S("Shoes", "Pumps", 4, "pumps|court shoes", "leather 4 suede 3 synthetic 4", "EU", "35 36 37 38 39 40 41",
       75, 25.5, 540, (0.0, 1.0, 1.1), heel_cm=7.5),
    _S("Shoes", "Sandals", 4, "sandals", "leather 4 cork 3 synthetic 3", "EU", "36 37 38 39 40 41 42",
       49, 26.5, 430, (0.0, 1.0, 1.1), heel_cm=2.5),
    _S("Bags", "Backpacks", 5, "backpack|rucksack|daypack", "nylon 6 canvas 3 leather 1", "L", "15 18 22 26 32",
       62, 46, 780, (0.5, 0.33, 0.7), 22),
    _S("Bags", "Handbags", 5, "handbag|shoulder bag|tote bag", "leather 5 canvas 3 synthetic 4", "cm", "22 26 30 35 40",
       79, 31, 640, (0.6, 1.0, 1.4)),
    _S("Bags", "Suitcases", 3, "suitcase|trolley case", "polycarbonate 5 nylon 4 aluminium 1", "cm", "55 67 75",
       129, 67, 3300, (0.9, 1.0, 1.2), 62),
    _S("Lamps", "Table lamps", 4, "table lamp|desk lamp", "ceramic 3 brass 3 aluminium 3 wood 2", "cm",
       "28 35 42 50 58", 54, 41, 1500, (0.7, 1.0, 1.2), wattage=40),
    _S("Lamps", "Floor lamps", 3, "floor lamp|standard lamp", "brass 3 steel 5 wood 3", "cm", "120 140 150 165",
       109, 148, 4600, (0.8, 1.0, 1.1), wattage=60),
    _S("Lamps", "Pendant lamps", 3, "pendant lamp|pendant|ceiling light", "glass 4 brass 3 aluminium 3 wood 1", "cm",
       "20 30 40 50", 78, 33, 1600, (0.8, 1.0, 1.3), wattage=60),
    _S("Electronics", "Chargers", 4, "charger|wall charger|USB-C charger", "plastic 8 aluminium 2", "W",
       "20 30 45 65 100", 29, 6.1, 95, (0.7, 0.3, 0.7), wattage=45),
    _S("Electronics", "Power banks", 3, "power bank|powerbank", "plastic 6 aluminium 4", "mAh",
       "5000 10000 20000 26800", 32, 14, 260, (0.6, 0.2, 0.8), wattage=20),
    _S("Electronics", "Charging cables", 4, "charging cable|USB-C cable", "nylon 5 PVC 6", "m", "0.5 1 1.5 2 3",
       11, 14, 38, (0.4, 0.2, 0.8)),
    _S("Electronics", "Speakers", 3, "speaker|bluetooth speaker", "plastic 6 textile 4 aluminium 2", "cm",
       "8 12 18 26", 68, 15, 680, (1.1, 1.0, 1.9), wattage=15),
)


@dataclass(frozen=True)
class Material:
    """What a product is made of: how it moves price and weight, and the colours it comes in."""

    name: str
    price: float  # factor
    weight: float  # factor
    tilt: float  # how much dearer brands prefer it
    dishwasher_share: float
    colours: str


_M = Material
MATERIALS = (
    _M("aluminium", 1.0, 0.7, 0.2, 0.35, "silver 6 black 5 grey 3 red 1 white 1"),
    _M("brass", 1.45, 1.5, 1.5, 0.0, "gold 8 black 2 copper 2"),
    _M("canvas", 0.75, 0.9, -0.3, 0.0, "beige 5 navy 3 green 2 black 3 grey 2"),
    _M("cast iron", 1.35, 2.3, 1.0, 0.03, "black 7 red 2 blue 1 green 1"),
    _M("ceramic", 1.05, 1.1, 0.4, 0.9, "white 7 blue 3 grey 2 green 2 pink 1 yellow 1 black 1"),
    _M("cork", 1.1, 0.8, 0.3, 0.0, "brown 6 beige 4 black 2"),
    _M("enamel", 1.0, 0.9, 0.2, 0.6, "white 6 blue 3 red 2 green 2 yellow 1"),
    _M("glass", 0.95, 1.2, 0.0, 0.95, "clear 9 green 1 grey 1 blue 1"),
    _M("leather", 1.6, 1.15, 1.4, 0.0, "black 6 brown 6 beige 2 navy 1 red 1 white 2"),
    _M("nylon", 0.85, 0.75, -0.2, 0.0, "black 6 navy 3 grey 3 green 2 red 1 white 1"),
    _M("plastic", 0.6, 0.5, -1.0, 0.7, "black 4 white 5 green 3 grey 2 red 1 blue 1 yellow 1 pink 1"),
    _M("polycarbonate", 1.05, 0.9, 0.2, 0.0, "black 4 silver 3 navy 2 red 2 pink 1 yellow 1"),
    _M("PVC", 0.7, 1.0, -0.8, 0.0, "green 4 yellow 4 black 3 white 2 blue 1"),
    _M("rubber", 1.3, 1.25, 0.8, 0.0, "black 8 green 2 red 1"),
    _M("stainless steel", 1.15, 1.0, 0.5, 0.85, "silver 12 black 1 copper 1"),
    _M("steel", 1.0, 1.2, 0.0, 0.3, "black 5 silver 4 green 2 white 2 red 2"),
    _M("suede", 1.4, 1.0, 0.8, 0.0, "brown 5 beige 4 black 3 navy 2 grey 1 green 1"),
    _M("synthetic", 0.7, 0.9, -1.0, 0.0, "black 5 white 3 beige 2 red 2 pink 2 brown 1 navy 1"),
    _M("terracotta", 0.8, 1.5, 0.0, 0.0, "orange 9 brown 2 white 1"),
    _M("textile", 0.9, 0.8, 0.0, 0.0, "white 5 black 4 grey 3 navy 2 blue 2 pink 2 green 1"),
    _M("wood", 1.2, 1.0, 0.6, 0.05, "brown 6 beige 5 black 2 white 1"),
    _M("zinc", 1.25, 1.1, 0.6, 0.0, "silver 6 grey 5 green 1 white 1"),
)
COLOURS = (
    "beige", "black", "blue", "brown", "clear", "copper", "gold", "green", "grey", "navy", "orange", "pink", "red",
    "silver", "white", "yellow",
)


@dataclass(frozen=True)
class Brand:
    """An invented maker: its price level, how much it sells, what (most of it first), and its own colours."""

    name: str
    level: float
    sales: float
    sells: str
    colours: str
    suppliers: str  # main one first


_B = Brand
BRANDS = (
    _B("Kessanvik", 1.35, 16, "Frying pans|Saucepans|Kettles", "black silver", "Velbrook Mosswick"),
    _B("Plimsby", 0.7, 15, "Mugs|Storage jars|Plant pots|Table lamps", "white yellow", "Tarnhus Cobblegate"),
    _B("Orrindale", 1.9, 7, "Kitchen knives|Frying pans", "silver black", "Pellardi Velbrook"),
    _B("Fennwater", 0.95, 13, "Watering cans|Garden hoses|Plant pots", "green grey", "Mosswick Tarnhus"),
    _B("Thistlebury", 1.4, 8, "Secateurs|Plant pots|Watering cans", "green grey", "Mosswick Fjordane"),
    _B("Torvane", 1.15, 16, "Sneakers|Backpacks", "navy grey", "Ikarven Cobblegate"),
    _B("Sevarotti", 1.85, 10, "Pumps|Ankle boots|Handbags", "black red", "Pellardi"),
    _B("Bellindra", 0.8, 13, "Pumps|Sandals|Handbags|Sneakers", "pink white", "Ikarven Tarnhus"),
    _B("Haldrunn", 1.3, 9, "Ankle boots|Sandals", "brown", "Fjordane Ikarven"),
    _B("Wexlumen", 0.75, 12, "Table lamps|Floor lamps|Pendant lamps|Chargers", "white black", "Cobblegate Lanternquay"),
    _B("Lumarisk", 1.6, 9, "Pendant lamps|Floor lamps|Table lamps", "gold copper", "Lanternquay Pellardi"),
    _B("Voltenby", 0.8, 16, "Chargers|Charging cables|Power banks", "black white", "Zilverkade Cobblegate"),
    _B("Pocketrune", 1.2, 9, "Power banks|Speakers|Chargers", "grey blue", "Zilverkade Ikarven"),
    _B("Novarrin", 1.45, 8, "Suitcases|Backpacks", "silver navy", "Fjordane Velbrook"),
    _B("Tindlewick", 0.85, 9, "Storage jars|Mugs|Kettles|Saucepans", "blue green", "Tarnhus Velbrook"),
    _B("Calderosk", 0.65, 9, "Frying pans|Saucepans|Kitchen knives|Kettles", "red black", "Cobblegate Tarnhus"),
    _B("Ruvessa", 1.0, 8, "Handbags|Suitcases|Sandals", "beige brown", "Pellardi Ikarven"),
    _B("Skarholt", 1.1, 6, "Secateurs|Garden hoses|Kitchen knives", "red black", "Fjordane Mosswick"),
    _B("Glimmerud", 1.15, 5, "Floor lamps|Pendant lamps", "white gold", "Lanternquay"),
    _B("Kabelund", 1.0, 6, "Charging cables|Chargers", "white green", "Zilverkade Lanternquay"),
    _B("Zephrolin", 0.6, 6, "Sneakers|Sandals|Backpacks", "white blue", "Cobblegate Ikarven"),
    _B("Arbentine", 2.2, 3, "Handbags|Suitcases|Pumps", "brown beige", "Pellardi"),
    _B("Brambeck", 1.25, 4, "Storage jars|Mugs", "clear grey", "Velbrook Fjordane"),
    _B("Dovrelund", 1.05, 4, "Backpacks|Ankle boots", "green orange", "Fjordane Tarnhus"),
    _B("Vantessol", 1.7, 3, "Speakers|Power banks", "black silver", "Zilverkade"),
    _B("Mirrowend", 0.9, 3, "Mugs|Plant pots", "pink yellow", "Tarnhus"),
    _B("Greywattle", 1.15, 3, "Garden hoses|Watering cans", "grey yellow", "Mosswick"),
    _B("Ostrellin", 0.75, 2, "Speakers|Charging cables|Table lamps", "red yellow", "Cobblegate"),
    _B("Marrowgate", 1.5, 2, "Ankle boots|Sneakers", "brown navy", "Ikarven Fjordane"),
    _B("Quellmark", 1.2, 2, "Kettles|Saucepans", "white copper", "Velbrook"),
    _B("Ampelhus", 1.9, 2, "Table lamps|Pendant lamps", "copper green", "Lanternquay"),
    _B("Lindqvale", 0.95, 1, "Kitchen knives|Secateurs|Storage jars", "grey", "Fjordane"),
    _B("Poltavane", 1.0, 1, "Sandals|Handbags", "orange yellow", "Ikarven"),
    _B("Maplecroone", 1.3, 1, "Plant pots|Storage jars", "brown orange", "Mosswick"),
)


@dataclass(frozen=True)
class Supplier:
    """Who sends the data: how it writes titles, weights and prices, and what it leaves out."""

    name: str
    title: str  # parts in order, "_" for a blank; capitals shout
    keeps: float  # share of the optional parts of a title that are there
    weight: str  # "g", "kg", or "auto": grams under a kilogram
    endings: tuple[float, ...]  # of prices
    omits: str  # columns with the share left out; "brand*": only where the title names it


_D = Supplier
SUPPLIERS = (
    _D("Tarnhus Grosso", "{brand} {collection} {word} {colour} {size}", 0.85, "auto", (0.49, 0.99),
       "dishwasher_safe 0.3"),
    _D("Velbrook Trading", "{word} {material} {size} -_{brand}", 0.75, "kg", (0.99,), "weight 1 colour 0.12"),
    _D("Mosswick Direct", "{brand} {collection} {word} {material} {size}", 0.8, "g", (0.95,),
       "brand* 0.75 length_cm 0.15"),
    _D("Pellardi Moda", "{collection} {word}, {colour} {material}", 0.9, "auto", (0.0,),
       "colour 0.4 length_cm 0.35 rating 0.15"),
    _D("Ikarven Import", '{word} "{collection}" {colour} by_{brand}', 0.7, "kg", (0.99,), "material 0.35 size 0.1"),
    _D("Cobblegate Ltd", "{BRAND} {WORD} {SIZE} {COLOUR}", 0.8, "g", (0.49, 0.99),
       "launch_date 0.6 rating 0.3 subcategory 0.12"),
    _D("Fjordane Lager", "{brand} {word}, {material}, {colour}, {size}", 0.65, "auto", (0.5, 0.0),
       "capacity_l 0.3 heel_height_cm 0.3"),
    _D("Lanternquay Supply", "{colour} {material} {word} {collection}", 0.8, "kg", (0.95,),
       "wattage 0.45 size 0.25 brand 0.1"),
    _D("Zilverkade Depot", "{brand} {word} {size} {colour}", 0.75, "g", (0.99,),
       "subcategory 0.35 material 0.2 launch_date 0.1"),
)

# The share of each column's cells that anyone may forget.
FORGOTTEN = {
    "supplier": 0.01, "brand": 0.05, "category": 0.04, "subcategory": 0.06, "colour": 0.08, "material": 0.1,
    "size": 0.07, "length_cm": 0.08, "capacity_l": 0.08, "heel_height_cm": 0.08, "wattage": 0.06, "weight": 0.06,
    "dishwasher_safe": 0.12, "price": 0.02, "rating": 0.06, "launch_date": 0.08,
}
ABBREVIATIONS = {
    "BLACK": "BLK", "WHITE": "WHT", "SILVER": "SLV", "GREEN": "GRN", "BROWN": "BRN", "TABLE LAMP": "TBL LAMP",
    "STORAGE JAR": "STOR. JAR", "POWER BANK": "PWR BANK", "CHARGING CABLE": "CHRG CABLE",
}
DECIMALS = {"length_cm": 1, "capacity_l": 2, "heel_height_cm": 1, "wattage": 0, "price": 2, "rating": 1}
WATTS = (10, 15, 18, 20, 25, 30, 40, 45, 60, 65, 75, 100, 1500, 1800, 2000, 2200, 2400, 3000)
FAMILY_SHARES = (0.55, 0.2, 0.15, 0.1)  # products of one, two, three and four variants
SYLLABLES = ("Al Be Cor Da El Fi Ga Hol Ir Jo Ka Lu Mi No Ol Per Sa", "ra vik mo tis den la ro nia bel do")
N_COLLECTIONS = 5  # of each brand
SLIPS = 0.015  # share of the titles with two letters swapped
# Numbers 020-029, 040-049 and 200-299 are for use inside a shop: no product in the world bears one.
GTIN_PREFIXES = (*range(20, 30), *range(40, 50), *range(200, 300))
# fmt: on
