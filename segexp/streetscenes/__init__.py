"""Procedural street scenes: a camera looks down a street that is drawn with its labels, from far to near."""
