#include "clients/line_edit.h"

#include <string.h>

/* ---- Columns ------------------------------------------------------------------------ */

struct range {
    unsigned long first, last;
};

/*
 * From the Unicode Character Database 14.0: zero_width is the general categories Mn, Me
 * and Cf (UnicodeData.txt; without the soft hyphen and the signs that stand before
 * numbers) and the vowels and finals of Hangul; wide is East_Asian_Width W and F
 * (EastAsianWidth.txt). A gap in which there is no character yet is part of a range.
 */
static const struct range zero_width[] = {
    {0x300, 0x36F},     {0x483, 0x489},     {0x591, 0x5BD},     {0x5BF, 0x5BF},
    {0x5C1, 0x5C2},     {0x5C4, 0x5C5},     {0x5C7, 0x5C7},     {0x610, 0x61A},
    {0x61C, 0x61C},     {0x64B, 0x65F},     {0x670, 0x670},     {0x6D6, 0x6DC},
    {0x6DF, 0x6E4},     {0x6E7, 0x6E8},     {0x6EA, 0x6ED},     {0x711, 0x711},
    {0x730, 0x74A},     {0x7A6, 0x7B0},     {0x7EB, 0x7F3},     {0x7FD, 0x7FD},
    {0x816, 0x819},     {0x81B, 0x823},     {0x825, 0x827},     {0x829, 0x82D},
    {0x859, 0x85B},     {0x898, 0x89F},     {0x8CA, 0x8E1},     {0x8E3, 0x902},
    {0x93A, 0x93A},     {0x93C, 0x93C},     {0x941, 0x948},     {0x94D, 0x94D},
    {0x951, 0x957},     {0x962, 0x963},     {0x981, 0x981},     {0x9BC, 0x9BC},
    {0x9C1, 0x9C4},     {0x9CD, 0x9CD},     {0x9E2, 0x9E3},     {0x9FE, 0xA02},
    {0xA3C, 0xA3C},     {0xA41, 0xA51},     {0xA70, 0xA71},     {0xA75, 0xA75},
    {0xA81, 0xA82},     {0xABC, 0xABC},     {0xAC1, 0xAC8},     {0xACD, 0xACD},
    {0xAE2, 0xAE3},     {0xAFA, 0xB01},     {0xB3C, 0xB3C},     {0xB3F, 0xB3F},
    {0xB41, 0xB44},     {0xB4D, 0xB56},     {0xB62, 0xB63},     {0xB82, 0xB82},
    {0xBC0, 0xBC0},     {0xBCD, 0xBCD},     {0xC00, 0xC00},     {0xC04, 0xC04},
    {0xC3C, 0xC3C},     {0xC3E, 0xC40},     {0xC46, 0xC56},     {0xC62, 0xC63},
    {0xC81, 0xC81},     {0xCBC, 0xCBC},     {0xCBF, 0xCBF},     {0xCC6, 0xCC6},
    {0xCCC, 0xCCD},     {0xCE2, 0xCE3},     {0xD00, 0xD01},     {0xD3B, 0xD3C},
    {0xD41, 0xD44},     {0xD4D, 0xD4D},     {0xD62, 0xD63},     {0xD81, 0xD81},
    {0xDCA, 0xDCA},     {0xDD2, 0xDD6},     {0xE31, 0xE31},     {0xE34, 0xE3A},
    {0xE47, 0xE4E},     {0xEB1, 0xEB1},     {0xEB4, 0xEBC},     {0xEC8, 0xECD},
    {0xF18, 0xF19},     {0xF35, 0xF35},     {0xF37, 0xF37},     {0xF39, 0xF39},
    {0xF71, 0xF7E},     {0xF80, 0xF84},     {0xF86, 0xF87},     {0xF8D, 0xFBC},
    {0xFC6, 0xFC6},     {0x102D, 0x1030},   {0x1032, 0x1037},   {0x1039, 0x103A},
    {0x103D, 0x103E},   {0x1058, 0x1059},   {0x105E, 0x1060},   {0x1071, 0x1074},
    {0x1082, 0x1082},   {0x1085, 0x1086},   {0x108D, 0x108D},   {0x109D, 0x109D},
    {0x1160, 0x11FF},   {0x135D, 0x135F},   {0x1712, 0x1714},   {0x1732, 0x1733},
    {0x1752, 0x1753},   {0x1772, 0x1773},   {0x17B4, 0x17B5},   {0x17B7, 0x17BD},
    {0x17C6, 0x17C6},   {0x17C9, 0x17D3},   {0x17DD, 0x17DD},   {0x180B, 0x180F},
    {0x1885, 0x1886},   {0x18A9, 0x18A9},   {0x1920, 0x1922},   {0x1927, 0x1928},
    {0x1932, 0x1932},   {0x1939, 0x193B},   {0x1A17, 0x1A18},   {0x1A1B, 0x1A1B},
    {0x1A56, 0x1A56},   {0x1A58, 0x1A60},   {0x1A62, 0x1A62},   {0x1A65, 0x1A6C},
    {0x1A73, 0x1A7F},   {0x1AB0, 0x1B03},   {0x1B34, 0x1B34},   {0x1B36, 0x1B3A},
    {0x1B3C, 0x1B3C},   {0x1B42, 0x1B42},   {0x1B6B, 0x1B73},   {0x1B80, 0x1B81},
    {0x1BA2, 0x1BA5},   {0x1BA8, 0x1BA9},   {0x1BAB, 0x1BAD},   {0x1BE6, 0x1BE6},
    {0x1BE8, 0x1BE9},   {0x1BED, 0x1BED},   {0x1BEF, 0x1BF1},   {0x1C2C, 0x1C33},
    {0x1C36, 0x1C37},   {0x1CD0, 0x1CD2},   {0x1CD4, 0x1CE0},   {0x1CE2, 0x1CE8},
    {0x1CED, 0x1CED},   {0x1CF4, 0x1CF4},   {0x1CF8, 0x1CF9},   {0x1DC0, 0x1DFF},
    {0x200B, 0x200F},   {0x202A, 0x202E},   {0x2060, 0x206F},   {0x20D0, 0x20F0},
    {0x2CEF, 0x2CF1},   {0x2D7F, 0x2D7F},   {0x2DE0, 0x2DFF},   {0x302A, 0x302D},
    {0x3099, 0x309A},   {0xA66F, 0xA672},   {0xA674, 0xA67D},   {0xA69E, 0xA69F},
    {0xA6F0, 0xA6F1},   {0xA802, 0xA802},   {0xA806, 0xA806},   {0xA80B, 0xA80B},
    {0xA825, 0xA826},   {0xA82C, 0xA82C},   {0xA8C4, 0xA8C5},   {0xA8E0, 0xA8F1},
    {0xA8FF, 0xA8FF},   {0xA926, 0xA92D},   {0xA947, 0xA951},   {0xA980, 0xA982},
    {0xA9B3, 0xA9B3},   {0xA9B6, 0xA9B9},   {0xA9BC, 0xA9BD},   {0xA9E5, 0xA9E5},
    {0xAA29, 0xAA2E},   {0xAA31, 0xAA32},   {0xAA35, 0xAA36},   {0xAA43, 0xAA43},
    {0xAA4C, 0xAA4C},   {0xAA7C, 0xAA7C},   {0xAAB0, 0xAAB0},   {0xAAB2, 0xAAB4},
    {0xAAB7, 0xAAB8},   {0xAABE, 0xAABF},   {0xAAC1, 0xAAC1},   {0xAAEC, 0xAAED},
    {0xAAF6, 0xAAF6},   {0xABE5, 0xABE5},   {0xABE8, 0xABE8},   {0xABED, 0xABED},
    {0xFB1E, 0xFB1E},   {0xFE00, 0xFE0F},   {0xFE20, 0xFE2F},   {0xFEFF, 0xFEFF},
    {0xFFF9, 0xFFFB},   {0x101FD, 0x101FD}, {0x102E0, 0x102E0}, {0x10376, 0x1037A},
    {0x10A01, 0x10A0F}, {0x10A38, 0x10A3F}, {0x10AE5, 0x10AE6}, {0x10D24, 0x10D27},
    {0x10EAB, 0x10EAC}, {0x10F46, 0x10F50}, {0x10F82, 0x10F85}, {0x11001, 0x11001},
    {0x11038, 0x11046}, {0x11070, 0x11070}, {0x11073, 0x11074}, {0x1107F, 0x11081},
    {0x110B3, 0x110B6}, {0x110B9, 0x110BA}, {0x110C2, 0x110C2}, {0x11100, 0x11102},
    {0x11127, 0x1112B}, {0x1112D, 0x11134}, {0x11173, 0x11173}, {0x11180, 0x11181},
    {0x111B6, 0x111BE}, {0x111C9, 0x111CC}, {0x111CF, 0x111CF}, {0x1122F, 0x11231},
    {0x11234, 0x11234}, {0x11236, 0x11237}, {0x1123E, 0x1123E}, {0x112DF, 0x112DF},
    {0x112E3, 0x112EA}, {0x11300, 0x11301}, {0x1133B, 0x1133C}, {0x11340, 0x11340},
    {0x11366, 0x11374}, {0x11438, 0x1143F}, {0x11442, 0x11444}, {0x11446, 0x11446},
    {0x1145E, 0x1145E}, {0x114B3, 0x114B8}, {0x114BA, 0x114BA}, {0x114BF, 0x114C0},
    {0x114C2, 0x114C3}, {0x115B2, 0x115B5}, {0x115BC, 0x115BD}, {0x115BF, 0x115C0},
    {0x115DC, 0x115DD}, {0x11633, 0x1163A}, {0x1163D, 0x1163D}, {0x1163F, 0x11640},
    {0x116AB, 0x116AB}, {0x116AD, 0x116AD}, {0x116B0, 0x116B5}, {0x116B7, 0x116B7},
    {0x1171D, 0x1171F}, {0x11722, 0x11725}, {0x11727, 0x1172B}, {0x1182F, 0x11837},
    {0x11839, 0x1183A}, {0x1193B, 0x1193C}, {0x1193E, 0x1193E}, {0x11943, 0x11943},
    {0x119D4, 0x119DB}, {0x119E0, 0x119E0}, {0x11A01, 0x11A0A}, {0x11A33, 0x11A38},
    {0x11A3B, 0x11A3E}, {0x11A47, 0x11A47}, {0x11A51, 0x11A56}, {0x11A59, 0x11A5B},
    {0x11A8A, 0x11A96}, {0x11A98, 0x11A99}, {0x11C30, 0x11C3D}, {0x11C3F, 0x11C3F},
    {0x11C92, 0x11CA7}, {0x11CAA, 0x11CB0}, {0x11CB2, 0x11CB3}, {0x11CB5, 0x11CB6},
    {0x11D31, 0x11D45}, {0x11D47, 0x11D47}, {0x11D90, 0x11D91}, {0x11D95, 0x11D95},
    {0x11D97, 0x11D97}, {0x11EF3, 0x11EF4}, {0x13430, 0x13438}, {0x16AF0, 0x16AF4},
    {0x16B30, 0x16B36}, {0x16F4F, 0x16F4F}, {0x16F8F, 0x16F92}, {0x16FE4, 0x16FE4},
    {0x1BC9D, 0x1BC9E}, {0x1BCA0, 0x1CF46}, {0x1D167, 0x1D169}, {0x1D173, 0x1D182},
    {0x1D185, 0x1D18B}, {0x1D1AA, 0x1D1AD}, {0x1D242, 0x1D244}, {0x1DA00, 0x1DA36},
    {0x1DA3B, 0x1DA6C}, {0x1DA75, 0x1DA75}, {0x1DA84, 0x1DA84}, {0x1DA9B, 0x1DAAF},
    {0x1E000, 0x1E02A}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF},
    {0x1E8D0, 0x1E8D6}, {0x1E944, 0x1E94A}, {0xE0001, 0xE01EF},
};

static const struct range wide[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23EC},
    {0x23F0, 0x23F0},   {0x23F3, 0x23F3},   {0x25FD, 0x25FE},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x267F, 0x267F},   {0x2693, 0x2693},   {0x26A1, 0x26A1},
    {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},   {0x26CE, 0x26CE},
    {0x26D4, 0x26D4},   {0x26EA, 0x26EA},   {0x26F2, 0x26F3},   {0x26F5, 0x26F5},
    {0x26FA, 0x26FA},   {0x26FD, 0x26FD},   {0x2705, 0x2705},   {0x270A, 0x270B},
    {0x2728, 0x2728},   {0x274C, 0x274C},   {0x274E, 0x274E},   {0x2753, 0x2755},
    {0x2757, 0x2757},   {0x2795, 0x2797},   {0x27B0, 0x27B0},   {0x27BF, 0x27BF},
    {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2B55, 0x2B55},   {0x2E80, 0x3029},
    {0x302E, 0x303E},   {0x3041, 0x3096},   {0x309B, 0x3247},   {0x3250, 0x4DBF},
    {0x4E00, 0xA4C6},   {0xA960, 0xA97C},   {0xAC00, 0xD7A3},   {0xF900, 0xFAD9},
    {0xFE10, 0xFE19},   {0xFE30, 0xFE6B},   {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},
    {0x16FE0, 0x16FE3}, {0x16FF0, 0x1B2FB}, {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF},
    {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A}, {0x1F200, 0x1F320}, {0x1F32D, 0x1F335},
    {0x1F337, 0x1F37C}, {0x1F37E, 0x1F393}, {0x1F3A0, 0x1F3CA}, {0x1F3CF, 0x1F3D3},
    {0x1F3E0, 0x1F3F0}, {0x1F3F4, 0x1F3F4}, {0x1F3F8, 0x1F43E}, {0x1F440, 0x1F440},
    {0x1F442, 0x1F4FC}, {0x1F4FF, 0x1F53D}, {0x1F54B, 0x1F54E}, {0x1F550, 0x1F567},
    {0x1F57A, 0x1F57A}, {0x1F595, 0x1F596}, {0x1F5A4, 0x1F5A4}, {0x1F5FB, 0x1F64F},
    {0x1F680, 0x1F6C5}, {0x1F6CC, 0x1F6CC}, {0x1F6D0, 0x1F6D2}, {0x1F6D5, 0x1F6DF},
    {0x1F6EB, 0x1F6EC}, {0x1F6F4, 0x1F6FC}, {0x1F7E0, 0x1F7F0}, {0x1F90C, 0x1F93A},
    {0x1F93C, 0x1F945}, {0x1F947, 0x1F9FF}, {0x1FA70, 0x1FAF6}, {0x20000, 0x3FFFD},
};

static bool is_in(unsigned long code, const struct range *ranges, size_t count)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (code > ranges[middle].last)
            low = middle + 1;
        else if (code < ranges[middle].first)
            high = middle;
        else
            return true;
    }
    return false;
}

unsigned line_edit_width(unsigned long code)
{
    if (code < 0x300)
        return 1;
    if (is_in(code, zero_width, sizeof zero_width / sizeof zero_width[0]))
        return 0;
    return is_in(code, wide, sizeof wide / sizeof wide[0]) ? 2 : 1;
}

/* ---- Characters --------------------------------------------------------------------- */

/* The code point at `at`, which is not the line's end, and how many bytes it has. */
static unsigned long code_at(const struct line_edit *edit, size_t at, size_t *bytes)
{
    const unsigned char *text = (const unsigned char *)edit->text + at;

    if (text[0] < 0x80) {
        *bytes = 1;
        return text[0];
    }
    if (text[0] < 0xE0) {
        *bytes = 2;
        return (text[0] & 0x1FUL) << 6 | (text[1] & 0x3FUL);
    }
    if (text[0] < 0xF0) {
        *bytes = 3;
        return (text[0] & 0x0FUL) << 12 | (text[1] & 0x3FUL) << 6 | (text[2] & 0x3FUL);
    }
    *bytes = 4;
    return (text[0] & 0x07UL) << 18 | (text[1] & 0x3FUL) << 12 | (text[2] & 0x3FUL) << 6 |
           (text[3] & 0x3FUL);
}

static unsigned width_at(const struct line_edit *edit, size_t at, size_t *bytes)
{
    return line_edit_width(code_at(edit, at, bytes));
}

/* Where the character behind the one at `at` begins; the line's end has none behind it. */
static size_t after(const struct line_edit *edit, size_t at)
{
    size_t bytes;

    if (at == edit->length)
        return at;
    (void)width_at(edit, at, &bytes);
    for (at += bytes; at < edit->length; at += bytes)
        if (width_at(edit, at, &bytes) > 0)
            break;
    return at;
}

static size_t before(const struct line_edit *edit, size_t at)
{
    size_t bytes;

    while (at > 0) {
        do
            at--;
        while (((unsigned char)edit->text[at] & 0xC0) == 0x80);
        if (width_at(edit, at, &bytes) > 0)
            break;
    }
    return at;
}

static size_t columns_between(const struct line_edit *edit, size_t from, size_t to)
{
    size_t columns = 0, bytes;

    for (; from < to; from += bytes)
        columns += width_at(edit, from, &bytes);
    return columns;
}

/* ---- Changes ------------------------------------------------------------------------ */

/*
 * What is inserted or cut out may leave a combining character where the cursor is: then
 * it goes to that character's end.
 */
static void settle_cursor(struct line_edit *edit)
{
    size_t bytes;

    while (edit->cursor < edit->length && edit->cursor > 0 &&
           width_at(edit, edit->cursor, &bytes) == 0)
        edit->cursor += bytes;
    if (edit->first > edit->cursor)
        edit->first = edit->cursor;
}

static void insert(struct line_edit *edit, const char *bytes, size_t count)
{
    char *gap = edit->text + edit->cursor;

    if (count > LINE_EDIT_MOST - edit->length) {
        edit->bell = true;
        return;
    }
    memmove(gap + count, gap, edit->length - edit->cursor + 1);
    memcpy(gap, bytes, count);
    edit->length += count;
    edit->cursor += count;
    settle_cursor(edit);
}

static void cut_out(struct line_edit *edit, size_t from, size_t to)
{
    memmove(edit->text + from, edit->text + to, edit->length - to + 1);
    edit->length -= to - from;
    edit->cursor = from;
    settle_cursor(edit);
}

static size_t word_before(const struct line_edit *edit)
{
    size_t at = edit->cursor;

    while (at > 0 && edit->text[at - 1] == ' ')
        at--;
    while (at > 0 && edit->text[at - 1] != ' ')
        at--;
    return at;
}

/* ---- History ------------------------------------------------------------------------ */

static char *entry(struct line_edit *edit, size_t back)
{
    return edit->history[(edit->entered - back) % LINE_EDIT_HISTORY];
}

/* Shows the line that is so many up; 0 is the one in the making, which is kept. */
static void show_line(struct line_edit *edit, size_t back)
{
    const char *line = back > 0 ? entry(edit, back) : edit->draft;

    if (edit->back == 0)
        memcpy(edit->draft, edit->text, edit->length + 1);
    edit->back = back;
    edit->length = edit->cursor = strlen(line);
    edit->first = 0;
    memcpy(edit->text, line, edit->length + 1);
}

static void go_up(struct line_edit *edit)
{
    if (edit->back < edit->entered && edit->back < LINE_EDIT_HISTORY)
        show_line(edit, edit->back + 1);
}

static void go_down(struct line_edit *edit)
{
    if (edit->back > 0)
        show_line(edit, edit->back - 1);
}

void line_edit_next(struct line_edit *edit)
{
    if (edit->length > 0 &&
        (edit->entered == 0 || strcmp(entry(edit, 1), edit->text) != 0)) {
        memcpy(entry(edit, 0), edit->text, edit->length + 1);
        edit->entered++;
    }
    edit->length = edit->cursor = edit->first = edit->back = 0;
    edit->text[0] = '\0';
}

/* ---- Keys --------------------------------------------------------------------------- */

/* Control keys send their letter's number in the alphabet. */
enum {
    CTRL_A = 1,
    CTRL_B,
    CTRL_C,
    CTRL_D,
    CTRL_E,
    CTRL_F,
    CTRL_H = 8,
    TAB = '\t',
    LF = '\n',
    CTRL_K = 11,
    CTRL_L,
    CR = '\r',
    CTRL_N = 14,
    CTRL_P = 16,
    CTRL_U = 21,
    CTRL_W = 23,
    ESC = 27,
    DEL = 127, /* what Backspace sends nowadays; it was Ctrl-H */
    DELETE     /* the key of that name: its sequence stands for this number */
};

static enum line_edit_event press(struct line_edit *edit, unsigned key)
{
    switch (key) {
    case CTRL_A: edit->cursor = 0; break;
    case CTRL_B: edit->cursor = before(edit, edit->cursor); break;
    case CTRL_E: edit->cursor = edit->length; break;
    case CTRL_F: edit->cursor = after(edit, edit->cursor); break;
    case CTRL_H:
    case DEL: cut_out(edit, before(edit, edit->cursor), edit->cursor); break;
    case CTRL_D:
        if (edit->length == 0)
            return LINE_EDIT_END;
        /* fall through */
    case DELETE: cut_out(edit, edit->cursor, after(edit, edit->cursor)); break;
    case CTRL_K: cut_out(edit, edit->cursor, edit->length); break;
    case CTRL_U: cut_out(edit, 0, edit->cursor); break;
    case CTRL_W: cut_out(edit, word_before(edit), edit->cursor); break;
    case CTRL_N: go_down(edit); break;
    case CTRL_P: go_up(edit); break;
    case TAB: insert(edit, " ", 1); break;
    case CTRL_C: return LINE_EDIT_INTERRUPT;
    case CTRL_L: return LINE_EDIT_CLEAR;
    case CR:
    case LF: return LINE_EDIT_ENTERED;
    default: break;
    }
    return LINE_EDIT_OPEN;
}

/*
 * The keys without a letter send ESC [ or ESC O, perhaps a number and more of them behind
 * semicolons, and a final byte that tells which key it is. Each stands for a control key;
 * 0 for none.
 */
static unsigned key_of(unsigned char final, unsigned number)
{
    switch (final) {
    case 'A': return CTRL_P;
    case 'B': return CTRL_N;
    case 'C': return CTRL_F;
    case 'D': return CTRL_B;
    case 'F': return CTRL_E;
    case 'H': return CTRL_A;
    case '~':
        if (number == 1 || number == 7)
            return CTRL_A;
        if (number == 4 || number == 8)
            return CTRL_E;
        return number == 3 ? DELETE : 0;
    default: return 0;
    }
}

/* The places in an escape sequence. */
enum {
    OUTSIDE,
    AFTER_ESC,
    IN_NUMBER, /* ESC [ was read; a number may follow */
    IN_OTHERS, /* the number is over */
    AT_FINAL,  /* ESC O, or the Linux console's ESC [ [: any byte ends it */
};

static void begin_sequence(struct line_edit *edit, unsigned char byte)
{
    edit->parameter = 0;
    edit->escape = byte == '[' ? IN_NUMBER : byte == 'O' ? AT_FINAL : OUTSIDE;
}

/* A byte from 0x20 to 0x7E within a sequence. */
static enum line_edit_event take_sequence(struct line_edit *edit, unsigned char byte)
{
    bool at_final = edit->escape == AT_FINAL;

    if (edit->escape == AFTER_ESC) {
        begin_sequence(edit, byte);
    } else if (edit->escape == IN_NUMBER && byte >= '0' && byte <= '9') {
        edit->parameter = (edit->parameter * 10 + byte - '0') % 1000;
    } else if (edit->escape == IN_NUMBER && byte == '[') {
        edit->escape = AT_FINAL;
        edit->parameter = 1; /* the console's function keys: not those of ESC O */
    } else if (!at_final && byte < 0x40) {
        edit->escape = IN_OTHERS;
    } else {
        edit->escape = OUTSIDE;
        if (!at_final || edit->parameter == 0)
            return press(edit, key_of(byte, edit->parameter));
    }
    return LINE_EDIT_OPEN;
}

static enum line_edit_event take_control(struct line_edit *edit, unsigned char byte)
{
    bool after_cr = edit->after_cr;

    edit->after_cr = byte == CR;
    edit->escape = byte == ESC ? AFTER_ESC : OUTSIDE;
    if (byte == LF && after_cr)
        return LINE_EDIT_OPEN;
    return press(edit, byte);
}

static void insert_text(struct line_edit *edit, const char *clean, size_t length)
{
    /* Of bytes over 0x7F nothing begins with an M but a C1 control, made visible. */
    if (length > 0 && clean[0] != 'M')
        insert(edit, clean, length);
}

static enum line_edit_event take_byte(struct line_edit *edit, unsigned char byte)
{
    char clean[TEXT_MOST];

    if (byte >= 0x80) {
        edit->escape = OUTSIDE;
        edit->after_cr = false;
        insert_text(edit, clean, text_take(&edit->tail, byte, clean));
        return LINE_EDIT_OPEN;
    }
    insert_text(edit, clean, text_finish(&edit->tail, clean));
    if (byte < 0x20 || byte == DEL)
        return take_control(edit, byte);
    edit->after_cr = false;
    if (edit->escape != OUTSIDE)
        return take_sequence(edit, byte);
    clean[0] = (char)byte;
    insert(edit, clean, 1);
    return LINE_EDIT_OPEN;
}

size_t line_edit_take(struct line_edit *edit, const unsigned char *bytes, size_t length,
                      enum line_edit_event *event)
{
    size_t taken = 0;

    *event = LINE_EDIT_OPEN;
    while (taken < length && *event == LINE_EDIT_OPEN)
        *event = take_byte(edit, bytes[taken++]);
    return taken;
}

/* ---- The view ----------------------------------------------------------------------- */

/* The last column is for the cursor behind the end, or for half a wide character. */
static void scroll(struct line_edit *edit, size_t columns)
{
    size_t used, at;

    if (edit->first > edit->cursor)
        edit->first = edit->cursor;
    used = columns_between(edit, edit->first, edit->cursor);
    while (used >= columns) {
        at = edit->first;
        edit->first = after(edit, at);
        used -= columns_between(edit, at, edit->first);
    }
    /* No empty space on the right while there is text on the left. */
    used += columns_between(edit, edit->cursor, edit->length);
    while (edit->first > 0) {
        at = before(edit, edit->first);
        used += columns_between(edit, at, edit->first);
        if (used >= columns)
            break;
        edit->first = at;
    }
}

void line_edit_view(struct line_edit *edit, size_t columns, struct line_edit_view *view)
{
    size_t end, next, used;

    scroll(edit, columns);
    view->bytes = edit->text + edit->first;
    view->before_cursor = edit->cursor - edit->first;
    view->column = columns_between(edit, edit->first, edit->cursor);
    used = view->column;
    for (end = edit->cursor; end < edit->length; end = next) {
        next = after(edit, end);
        used += columns_between(edit, end, next);
        if (used > columns)
            break;
    }
    view->length = end - edit->first;
}
