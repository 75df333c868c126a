"""`spatiallake export`: what a lake holds as data sets that other programs train on and test with."""
