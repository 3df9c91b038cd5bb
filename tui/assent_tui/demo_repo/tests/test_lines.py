import unittest

from orchard import Line, parse_line


class Lines(unittest.TestCase):
    def test_a_line_has_a_count_a_name_and_a_price(self):
        self.assertEqual(parse_line("3 x Apple @ 0.40"), Line(3, "Apple", 40))

    def test_spaces_do_not_matter(self):
        self.assertEqual(parse_line("  2x Quince@1.25 "), Line(2, "Quince", 125))

    def test_a_price_may_be_short(self):
        self.assertEqual([parse_line(f"1 x Plum @ {price}").cents for price in ("2", "0.5")], [200, 50])

    def test_every_cent_is_kept(self):
        self.assertEqual(parse_line("1 x Pear @ 0.29").cents, 29)

    def test_anything_else_is_refused(self):
        with self.assertRaises(ValueError):
            parse_line("some apples")
