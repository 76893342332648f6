"""The 22 cascades of the fault catalogue, each a page: a small world and the whole report that it must give."""
