"""The pages of the shop, one file for each kind of weakness."""
