/*
 * Fuzzes http/http.h: several messages, one after another on one connection, mean the same
 * in one piece and in many, and on a state that was used before and on a new one.
 *
 * Modules: http/http.c http/url.c base/number.c
 */
#include "tests/fuzz/fuzz.h"

#include "http/http.h"

/* The state of a connection, which a server keeps from message to message. */
struct connection {
    struct http_head head;
    struct http_body body;
};

static char head_text[HTTP_RESPONSE_MOST];

/* Is a value as its header promises: any bytes but controls? */
static bool is_value(const char *value)
{
    for (; *value != '\0'; value++)
        if (((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f)
            return false;
    return true;
}

static void note_head(struct notes *notes, const struct http_head *head)
{
    struct http_field field = {NULL, NULL};

    notes_add_number(notes, head->state);
    notes_add_number(notes, head->answer);
    notes_add_string(notes, head->why);
    if (head->state != HTTP_WHOLE)
        return;
    notes_add_number(notes, head->minor);
    notes_add_number(notes, head->status);
    notes_add_string(notes, head->kind == HTTP_REQUEST ? head->method : head->reason);
    notes_add_string(notes, head->kind == HTTP_REQUEST ? head->target : "");
    while (http_next_field(head, &field)) {
        assert(is_value(field.name) && *field.name != '\0' && is_value(field.value));
        assert(http_value(head, field.name) != NULL);
        notes_add_string(notes, field.name);
        notes_add_string(notes, field.value);
    }
    notes_add_number(notes, http_keeps_alive(head));
    notes_add_number(notes, http_lists(head, "Connection", "close"));
}

/* While a head is open, nobody may look at it as if it had ended. */
static void check_open(const struct http_head *head)
{
    assert(head->state != HTTP_OPEN || !head->has_ended);
    assert(head->length <= head->size && head->taken <= head->size);
}

static size_t take_head(struct connection *connection, const char *bytes, size_t length,
                        struct cut *cut)
{
    struct http_head *head = &connection->head;
    size_t taken = 0, more;

    check_open(head);
    while (head->state == HTTP_OPEN && taken < length) {
        size_t piece = cut == NULL ? length - taken : cut_next(cut, length - taken);
        char *copy = copy_of(bytes + taken, piece);

        more = http_head_take(head, copy, piece);
        free(copy);
        assert(more <= piece && (more == piece || head->state != HTTP_OPEN));
        check_open(head);
        taken += more;
    }
    return taken;
}

static size_t take_body(struct connection *connection, const char *bytes, size_t length,
                        struct cut *cut, struct notes *notes)
{
    struct http_body *body = &connection->body;
    struct http_content content;
    size_t taken = 0;

    while (body->state == HTTP_OPEN && taken < length) {
        size_t piece = cut == NULL ? length - taken : cut_next(cut, length - taken);
        char *copy = copy_of(bytes + taken, piece);
        size_t more = 0;

        while (body->state == HTTP_OPEN && more < piece) {
            size_t before = more;

            more += http_body_take(body, copy + more, piece - more, &content);
            assert(more > before && more <= piece);
            if (content.length > 0) {
                assert(content.bytes >= copy + before);
                assert(content.bytes + content.length <= copy + more);
                notes_add(notes, content.bytes, content.length);
            }
        }
        free(copy);
        taken += more;
    }
    return taken;
}

/* Takes messages until one is refused or not whole. `is_new`: begin each on a new state. */
static void take_stream(enum http_kind kind, const char *bytes, size_t length,
                        struct cut *cut, bool is_new, struct notes *notes)
{
    static struct connection connection;
    bool goes_on = true;

    notes->length = 0;
    while (goes_on && length > 0) {
        size_t taken;

        if (is_new)
            memset(&connection, 0xA5, sizeof connection);
        http_head_begin(&connection.head, kind, head_text,
                        kind == HTTP_REQUEST ? HTTP_HEAD_MOST : HTTP_RESPONSE_MOST);
        taken = take_head(&connection, bytes, length, cut);
        note_head(notes, &connection.head);
        goes_on = connection.head.state == HTTP_WHOLE;
        if (goes_on) {
            http_body_begin(&connection.body, &connection.head);
            taken += take_body(&connection, bytes + taken, length - taken, cut, notes);
            if (taken == length)
                http_body_close(&connection.body);
            notes_add_number(notes, connection.body.state);
            notes_add_number(notes, connection.body.answer);
            notes_add_string(notes, connection.body.why);
            goes_on = connection.body.state == HTTP_WHOLE;
        }
        notes_add_number(notes, (long long)taken);
        bytes += taken;
        length -= taken;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct notes whole, pieces, new_ones;
    enum http_kind kind;
    struct cut cut;

    if (size == 0)
        return 0;
    kind = data[0] % 2 == 0 ? HTTP_REQUEST : HTTP_RESPONSE;
    cut.state = data[0];
    take_stream(kind, (const char *)data + 1, size - 1, NULL, false, &whole);
    take_stream(kind, (const char *)data + 1, size - 1, &cut, false, &pieces);
    take_stream(kind, (const char *)data + 1, size - 1, NULL, true, &new_ones);
    assert(notes_equal(&whole, &pieces));
    assert(notes_equal(&whole, &new_ones));
    return 0;
}
