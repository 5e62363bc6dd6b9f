/*
 * links: do the links of Markdown files lead anywhere?
 *
 * A link is [text](target), ![text](target), href="target" or src="target", outside of code.
 * Its file must be there, and its #anchor in that file: a heading's by GitHub's rule, or
 * <a id="anchor">. Links to other hosts are not looked at.
 */
#ifndef TESTS_LINKS_H
#define TESTS_LINKS_H

#include <stdbool.h>

/*
 * Calls `complain` with a sentence for each link of the file that leads nowhere, and for a
 * file that cannot be read.
 */
void links_check(const char *path, void (*complain)(const char *sentence));

/* Has this Markdown file this anchor? */
bool links_has_anchor(const char *path, const char *anchor);

#endif
