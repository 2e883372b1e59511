/*
 * A property is a variable of its name, so that a failure says which one failed. Where a twin is run for the sake of
 * one property, ONLY names it, and the others are not looked at.
 */
inline must(property, condition) {
  property = (condition);
#ifdef ONLY
  assert(ONLY)
#else
  assert(property)
#endif
}
