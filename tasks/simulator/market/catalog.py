"""The departments of the shop and the words its products are named with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Keepa's id of "no root known".
UNKNOWN_ROOT_ID: Final = 9_223_372_036_854_775_807
_LEAVES: Final = ("General", "Classics", "Bestsellers", "Speciality")


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A root category and what its products have in common."""

    id: int
    name: str
    weight: int
    is_book: bool = False
    new_gone_share: int = 8  # of 256: new ones are sold no longer
    used_share: int = 110
    refurbished_share: int = 0
    collectible_share: int = 0
    price_low: int
    price_spread: int
    rank_base: int
    group: str
    kind: str
    display: str
    bindings: tuple[str, ...] = ()
    subs: tuple[str, ...]
    nouns: tuple[str, ...]

    def sub_id(self, sub: int) -> int:
        """Id of sub-category number `sub`."""
        return 10_000_000_011 + (self.id % 99_991) * 100_000 + sub * 1_000

    def leaf_id(self, sub: int, leaf: int) -> int:
        """Id of leaf number `leaf` below sub-category `sub`."""
        return self.sub_id(sub) + (leaf + 1) * 10

    def tree(self, sub: int, leaf: int) -> list[dict[str, int | str]]:
        """The path from the root to a leaf as products show it."""
        name = self.subs[sub]
        return [
            {"catId": self.id, "name": self.name},
            {"catId": self.sub_id(sub), "name": name},
            {"catId": self.leaf_id(sub, leaf), "name": f"{name}, {_LEAVES[leaf]}"},
        ]


LEAVES: Final = len(_LEAVES)
ROOTS: Final = (
    Root(
        id=283_155, name="Books", weight=90, is_book=True, new_gone_share=56, used_share=245, collectible_share=64,
        price_low=900, price_spread=40_000, rank_base=850_000, group="Book", kind="ABIS_BOOK",
        display="book_display_on_website",
        bindings=("Paperback", "Hardcover", "Mass Market Paperback", "Spiral-bound"),
        subs=("History", "Science & Math", "Cookbooks", "Travel", "Textbooks"),
        nouns=("Field Guide", "History", "Handbook", "Memoir", "Atlas", "Companion", "Primer", "Letters"),
    ),
    Root(
        id=165_793_011, name="Toys & Games", weight=50, collectible_share=26, price_low=700, price_spread=6_000,
        rank_base=180_000, group="Toy", kind="TOYS_AND_GAMES", display="toy_display_on_website",
        subs=("Puzzles", "Building Sets", "Board Games", "Model Trains", "Outdoor Play"),
        nouns=("Puzzle", "Building Set", "Board Game", "Train Set", "Kite", "Card Game", "Robot Kit", "Spinning Top"),
    ),
    Root(
        id=172_282, name="Electronics", weight=50, refurbished_share=90, price_low=1_500, price_spread=40_000,
        rank_base=60_000, group="CE", kind="CONSUMER_ELECTRONICS", display="ce_display_on_website",
        subs=("Headphones", "Cameras", "Computers & Accessories", "Television & Video", "Car Electronics"),
        nouns=("Headphones", "Camera", "Keyboard", "Projector", "Charger", "Monitor", "Speaker", "Router"),
    ),
    Root(
        id=1_055_398, name="Home & Kitchen", weight=40, price_low=1_000, price_spread=12_000, rank_base=250_000,
        group="Kitchen", kind="KITCHEN", display="home_and_kitchen_display_on_website",
        subs=("Cookware", "Bedding", "Storage", "Lighting", "Small Appliances"),
        nouns=("Saucepan", "Quilt", "Shelf", "Lamp", "Kettle", "Toaster", "Knife Block", "Rug"),
    ),
    Root(
        id=228_013, name="Tools & Home Improvement", weight=26, refurbished_share=40, price_low=800,
        price_spread=18_000, rank_base=120_000, group="Home Improvement", kind="TOOLS",
        display="home_improvement_display_on_website",
        subs=("Power Tools", "Hand Tools", "Hardware", "Electrical", "Safety"),
        nouns=("Drill", "Wrench Set", "Hinge", "Dimmer", "Work Gloves", "Sander", "Level", "Clamp"),
    ),
)  # fmt: skip
# 256 shares: a byte picks the department.
PICK: Final = tuple(root for root in ROOTS for _ in range(root.weight))

ADJECTIVES: Final = (
    "Northern", "Quiet", "Compact", "Illustrated", "Modern", "Practical", "Golden", "Little", "Complete", "Silver",
    "Everyday", "Coastal", "Second", "Hidden", "Portable", "Classic",
)  # fmt: skip
TAILS: Final = (
    "for Beginners", "Volume 2", "with Carrying Case", "Deluxe Edition", "from A to Z", "Set of 4", "Revised",
    "and Other Stories", "for the Workshop", "in Blue", "Collector's Edition", "Mark II", "Travel Size",
    "of the Islands", "Large", "1998",
)  # fmt: skip
BRANDS: Final = (
    "Alderbrook", "Brightwell", "Cobalt & Pine", "Dunmore", "Eastgate", "Fernhill", "Glasswing", "Harrow",
    "Ironbark", "Juniper House", "Kestrel", "Larkfield", "Marlow", "Northcote", "Oakham", "Pemberley",
)  # fmt: skip
AUTHORS: Final = (
    "Abel Winter", "Clara Doyle", "Edmund Hale", "Greta Moss", "Ines Falk", "Jonas Reed", "Lydia Sharpe",
    "Milo Brandt", "Nora Quill", "Oscar Penn", "Petra Lund", "Rufus Vale", "Selma Hart", "Tobias Crane",
    "Una Grey", "Walter Finch",
)  # fmt: skip
COLORS: Final = ("Black", "White", "Blue", "Red", "Green", "Silver", "Natural", "Grey")
