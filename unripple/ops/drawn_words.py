"""Words for what the face world draws: beyond them its pictures have nothing to show."""

from __future__ import annotations

_FUNCTION = """
a an the of in on at to by with without no not and or is are that this these his her its it has
have having who whose looks look looking like wearing wears wear seen from down over across up out
more less quite rather slightly strongly somewhat all very
"""
_PICTURES = """
photo photos photograph picture image portrait render rendering drawing close-up closeup view
cropped bright dark low resolution good bad background something visible
"""
_PEOPLE = """
face faces head person people human someone somebody man men male woman women female lady gentleman
guy girl boy young younger youthful old older elderly aged age middle-aged
"""
_HEADS = """
hair haired hairstyle haircut hairs long short short-cut short-haired long-haired shoulder-length
shoulders shoulder curly curls wavy straight smooth thick thin flat big voluminous fringe bangs
bald baldness bald-headed hairless grey gray silver white blond blonde golden yellow black brown
brunette red ginger orange fair light pale colour color coloured colored
grey-haired gray-haired blond-haired black-haired dark-haired red-haired fair-haired
beard bearded moustache mustache clean-shaven shaven unshaven stubble
skin skinned dark-skinned light-skinned freckles freckled wrinkles wrinkled
forehead free chin cheek cheeks chubby full nose lips lip mouth teeth open opened closed
eye eyes eyebrow eyebrows brow brows bushy ear ears neck large small wide narrow
smile smiles smiling broad happy cheerful serious sad unsmiling
"""
_WORN = """
glasses eyeglasses spectacles sunglasses pair hat hats cap beanie headwear wool knitted brim brimmed
earring earrings necklace chain jewellery jewelry lipstick makeup make-up
"""
_TURNS = """
left right ahead front frontal turned facing turning up down sideways profile camera
"""

WORDS = frozenset(" ".join((_FUNCTION, _PICTURES, _PEOPLE, _HEADS, _WORN, _TURNS)).split())
"""Small letters; those of the sentence as well as those of the things."""
