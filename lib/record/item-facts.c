/* SPDX-License-Identifier: Apache-2.0
 *
 * See item-facts.h. One table for what most types have in common (concepts and times, with a
 * label each), and a function for each type that has more: results, reactions, attachments.
 * Doses are in item-medicine.c, rarer types in item-kinds.c.
 */
#include "lib/record/item-facts.h"

#include <glib/gi18n.h>
#include <string.h>

#include "lib/record/status.h"
#include "lib/record/words.h"

static void
add_code(ErecItem *item, const ErecNode *resource, const char *member, const char *label)
{
    for (const ErecNode *at = erec_each(resource, member); at != NULL; at = erec_each_next(at))
        if (at->type == EREC_STRING) {
            const char *words = erec_code_words(at->text);

            if (words != NULL)
                erec_fact_word(item->facts, label, words);
            else
                erec_fact_text(item->facts, label, g_strdup(at->text));
        }
}

void
erec_item_add_concepts(ErecReading *reading, ErecItem *item, const ErecNode *resource,
                       const char *path, const char *label)
{
    erec_fact_text(item->facts, label, erec_words_concepts(resource, path, reading->language));
}

/* name[x] */
void
erec_item_add_choice(ErecReading *reading, ErecItem *item, const ErecNode *node,
                     const char *name, const char *label)
{
    erec_fact_text(item->facts, label,
                   erec_words_choice(erec_choice(node, name, NULL), reading->language, NULL));
}

/* --- allergies -----------------------------------------------------------------------------
 */

static void
take_allergy(ErecReading *reading, ErecItem *item, const ErecNode *resource)
{
    add_code(item, resource, "criticality", N_("criticality"));
    add_code(item, resource, "type", "");
    add_code(item, resource, "category", "");
    for (const ErecNode *at = erec_each(resource, "reaction"); at != NULL;
         at = erec_each_next(at)) {
        erec_item_add_concepts(reading, item, at, "substance", N_("substance"));
        erec_item_add_concepts(reading, item, at, "manifestation", N_("reaction"));
        add_code(item, at, "severity", N_("severity"));
        erec_fact_text(item->facts, N_("reaction"), g_strdup(erec_text(at, "description")));
        erec_fact_text(item->facts, N_("reaction on"), g_strdup(erec_text(at, "onset")));
        for (const ErecNode *note = erec_each(at, "note"); note != NULL;
             note = erec_each_next(note))
            erec_fact_text(item->facts, N_("note"), g_strdup(erec_text(note, "text")));
    }
}

/* --- results -------------------------------------------------------------------------------
 */

static void
take_value(ErecReading *reading, ErecItem *item, const ErecNode *node, const char *label)
{
    const ErecNode *value = erec_choice(node, "value", NULL);
    gboolean no_unit = FALSE;
    char *words = erec_words_choice(value, reading->language, &no_unit);
    const char *plain = erec_text(value, "");

    if (value != NULL && (value->type == EREC_TRUE || value->type == EREC_FALSE)) {
        g_free(words);
        erec_fact_word(item->facts, label, strcmp(plain, "true") == 0 ? N_("yes") : N_("no"));
    } else if (value != NULL && words == NULL) {
        erec_fact_word(item->facts, label, N_("in the record, but it cannot be shown here"));
    } else {
        erec_fact_text(item->facts, label, words);
    }
    if (value != NULL && no_unit)
        erec_fact_word(item->facts, "", N_("without a unit"));
    erec_item_add_concepts(reading, item, node, "dataAbsentReason", N_("no value"));
    erec_item_add_concepts(reading, item, node, "interpretation", N_("interpretation"));
    for (const ErecNode *at = erec_each(node, "referenceRange"); at != NULL;
         at = erec_each_next(at)) {
        char *range = erec_words_range(at, NULL);

        erec_fact_text(item->facts, N_("reference range"),
                       range != NULL ? range : g_strdup(erec_text(at, "text")));
    }
}

static void
take_observation(ErecReading *reading, ErecItem *item, const ErecNode *resource)
{
    take_value(reading, item, resource, N_("result"));
    if (erec_choice(resource, "value", NULL) == NULL && item->absence == EREC_PRESENT &&
        erec_member(resource, "dataAbsentReason") == NULL &&
        erec_each(resource, "component") == NULL && erec_each(resource, "hasMember") == NULL)
        erec_fact_word(item->facts, "", N_("no result stated"));
    for (const ErecNode *at = erec_each(resource, "component"); at != NULL;
         at = erec_each_next(at)) {
        erec_item_add_concepts(reading, item, at, "code", N_("part"));
        take_value(reading, item, at, N_("result"));
    }
}

/* --- documents and pictures ----------------------------------------------------------------
 */

static void
take_attachment(ErecItem *item, const ErecNode *attachment)
{
    const char *type = erec_text(attachment, "contentType"),
               *title = erec_text(attachment, "title"), *data = erec_text(attachment, "data"),
               *url = erec_text(attachment, "url");

    if (attachment == NULL)
        return;
    erec_fact_text(item->facts, N_("file"), g_strdup(title != NULL ? title : type));
    if (title != NULL)
        erec_fact_text(item->facts, N_("kind"), g_strdup(type));
    erec_fact_text(item->facts, N_("of"), g_strdup(erec_text(attachment, "creation")));
    if (data != NULL)
        erec_fact_word(item->facts, "", N_("inside the record, not shown here"));
    else if (url != NULL)
        erec_fact_text(item->facts, N_("kept at"), g_strdup(url));
}

static void
take_attachments(ErecItem *item, const ErecNode *resource)
{
    static const char *const members[] = {"presentedForm", "content"};

    for (gsize i = 0; i < G_N_ELEMENTS(members); i++)
        for (const ErecNode *at = erec_each(resource, members[i]); at != NULL;
             at = erec_each_next(at)) {
            const ErecNode *inner = erec_member(at, "attachment");

            if (at->type == EREC_OBJECT)
                take_attachment(item, inner != NULL ? inner : at);
        }
}

/* --- all -----------------------------------------------------------------------------------
 */

static const struct {
    const char *path, *label;
} concept_facts[] = {
    {"severity", N_("severity")},
    {"bodySite", N_("body site")},
    {"statusReason", N_("reason of the status")},
    {"reasonCode", N_("reason")},
    {"doseQuantity", N_("dose")},
    {"outcome", N_("outcome")},
    {"complication", N_("complication")},
    {"conclusionCode", N_("conclusion")},
    {"modality", N_("modality")},
    {"site", N_("body site")},
    {"route", N_("route")},
};

static const struct {
    const char *name, *label;
    gboolean choice; /* name[x] */
} time_facts[] = {
    {"onset", N_("since"), TRUE},
    {"abatement", N_("until"), TRUE},
    {"effective", N_("on"), TRUE},
    {"performed", N_("on"), TRUE},
    {"occurrence", N_("on"), TRUE},
    {"timing", N_("when"), TRUE},
    {"started", N_("on"), FALSE},
    {"period", N_("when"), FALSE},
    {"start", N_("from"), FALSE},
    {"issued", N_("issued"), FALSE},
    {"authoredOn", N_("written"), FALSE},
    {"whenHandedOver", N_("handed over"), FALSE},
    {"lastOccurrence", N_("last on"), FALSE},
    {"recordedDate", N_("recorded"), FALSE},
    {"dateAsserted", N_("stated"), FALSE},
    {"dateTime", N_("on"), FALSE},
    {"date", N_("on"), FALSE},
    {"created", N_("written"), FALSE},
    {"expirationDate", N_("expires"), FALSE},
};

static const struct {
    const char *member, *label;
} text_facts[] = {
    {"conclusion", N_("conclusion")},
    {"lotNumber", N_("lot")},
    {"description", ""},
};

static void
take_times(ErecReading *reading, ErecItem *item, const ErecNode *resource)
{
    const guint before = item->facts->len;

    for (gsize i = 0; i < G_N_ELEMENTS(time_facts); i++) {
        if (time_facts[i].choice)
            erec_item_add_choice(reading, item, resource, time_facts[i].name,
                                 time_facts[i].label);
        else
            erec_fact_text(item->facts, time_facts[i].label,
                           erec_words_choice(erec_member(resource, time_facts[i].name),
                                             reading->language, NULL));
    }
    if (item->facts->len == before && item->absence == EREC_PRESENT)
        erec_fact_word(item->facts, "", N_("no date"));
}

/* How many of take_name()'s members say what it is; the others say of what kind. */
#define NAMES_THE_THING 3

static void
take_name(ErecReading *reading, ErecItem *item, const ErecNode *resource)
{
    static const char *const members[] = {
        "code",         "vaccineCode", "medicationCodeableConcept",
        "relationship", "type",        "description",
        "category",     "scope",       "event",
    };
    static const char *const plain[] = {"title", "description"};

    for (gsize i = 0; i < G_N_ELEMENTS(members) && item->what == NULL; i++) {
        const ErecNode *concept = erec_each(resource, members[i]);

        if (concept == NULL || concept->type != EREC_OBJECT)
            continue;
        /* the kind of an order is not what was ordered: that is what it refers to */
        if (i >= NAMES_THE_THING && (g_str_has_prefix(item->type, "Medication") ||
                                     g_str_has_prefix(item->type, "Device")))
            break;
        item->what = erec_words_concept(concept, reading->language);
        if (item->what == NULL && item->code == NULL)
            item->code = erec_words_code(concept);
        if (item->absence == EREC_PRESENT)
            item->absence = erec_absence_of_concept(concept);
        if (item->code != NULL && i < NAMES_THE_THING)
            break;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(plain) && item->what == NULL && item->code == NULL; i++)
        item->what = g_strdup(erec_text(resource, plain[i]));
    if (item->what != NULL)
        g_clear_pointer(&item->code, g_free);
}

static void
take_device(ErecReading *reading, ErecItem *item, const ErecNode *resource, gboolean *unsafe)
{
    const ErecNode *device = erec_member(resource, "device");

    if (device != NULL) {
        char *name = erec_name_of(reading, item->entry, resource, device, unsafe);

        if (name != NULL) {
            g_free(item->what);
            item->what = name;
        }
    }
}

static void
take_rest(ErecReading *reading, ErecItem *item, const ErecNode *resource)
{
    for (gsize i = 0; i < G_N_ELEMENTS(concept_facts); i++) {
        const ErecNode *node = erec_member(resource, concept_facts[i].path);

        if (node == NULL || node->type == EREC_STRING)
            continue;
        if (erec_member(node, "value") != NULL)
            erec_fact_text(item->facts, concept_facts[i].label,
                           erec_words_quantity(node, NULL));
        else
            erec_item_add_concepts(reading, item, resource, concept_facts[i].path,
                                   concept_facts[i].label);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(text_facts); i++) {
        const char *text = erec_text(resource, text_facts[i].member);

        if (text != NULL && g_strcmp0(text, item->what) != 0)
            erec_fact_text(item->facts, text_facts[i].label, g_strdup(text));
    }
    for (const ErecNode *at = erec_each(resource, "note"); at != NULL; at = erec_each_next(at))
        erec_fact_text(item->facts, N_("note"), g_strdup(erec_text(at, "text")));
    for (const ErecNode *at = erec_each(resource, "comment"); at != NULL;
         at = erec_each_next(at))
        if (at->type == EREC_STRING)
            erec_fact_text(item->facts, N_("note"), g_strdup(at->text));
}

static void
take_own(ErecReading *reading, ErecItem *item, const ErecNode *resource, gboolean *unsafe)
{
    if (strcmp(item->type, "AllergyIntolerance") == 0)
        take_allergy(reading, item, resource);
    else if (g_str_has_prefix(item->type, "Medication"))
        erec_item_take_medicine(reading, item, resource, unsafe);
    else if (strcmp(item->type, "Observation") == 0)
        take_observation(reading, item, resource);
    else if (g_str_has_prefix(item->type, "Device"))
        take_device(reading, item, resource, unsafe);
    else
        erec_item_take_kind(reading, item, resource);
}

void
erec_item_take_facts(ErecReading *reading, ErecItem *item, const ErecNode *resource,
                     gboolean *unsafe)
{
    take_name(reading, item, resource);
    take_own(reading, item, resource, unsafe);
    take_times(reading, item, resource);
    take_rest(reading, item, resource);
    take_attachments(item, resource);
    if (!erec_item_is_shown_whole(item->type))
        erec_fact_word(item->facts, "", N_("not all of it is shown here"));
}
