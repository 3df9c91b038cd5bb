import unittest

from orchard import total


class Bills(unittest.TestCase):
    def test_a_slip_is_the_sum_of_its_lines(self):
        self.assertEqual(total("3 x Apple @ 0.40\n\n1 x Quince @ 1.25\n"), 245)

    def test_twelve_cost_a_tenth_less(self):
        self.assertEqual(total("12 x Apple @ 0.40"), 432)

    def test_ten_cost_a_tenth_less_too(self):
        self.assertEqual(total("10 x Apple @ 0.40"), 360)

    def test_nine_cost_the_full_price(self):
        self.assertEqual(total("9 x Apple @ 0.40"), 360)

    def test_pears_by_the_dozen(self):
        self.assertEqual(total("12 x Pear @ 0.29"), 313)
