/* dot.c - see dot.h */
#include "model/dot.h"

#include <stdbool.h>

#include "base/text.h"

/* Several events between the same two states share an edge: the picture stays readable. */
static void render_edge(Text *text, const DotGraph *graph, unsigned from, unsigned to)
{
        bool is_drawn = false;

        for (unsigned event = 1; event < graph->event_count; event++) {
                if (!(graph->leads_to(from, event) & 1U << to))
                        continue;
                if (is_drawn)
                        text_append(text, "\\n");
                else
                        text_printf(text, "        \"%s\" -> \"%s\" [label=\"",
                                    graph->state_name(from), graph->state_name(to));
                text_append(text, graph->event_name(event));
                is_drawn = true;
        }
        if (is_drawn)
                text_append(text, "\"];\n");
}

char *dot_render(const DotGraph *graph)
{
        AUTO_TEXT text = { 0 };
        char *string = NULL;

        text_printf(&text, "digraph %s {\n        node [shape=box];\n", graph->name);
        for (unsigned state = 1; state < graph->state_count; state++)
                text_printf(&text, "        \"%s\";\n", graph->state_name(state));
        for (unsigned from = 1; from < graph->state_count; from++)
                for (unsigned to = 1; to < graph->state_count; to++)
                        render_edge(&text, graph, from, to);
        text_append(&text, "}\n");
        return text_take(&text, &string) < 0 ? NULL : string;
}
