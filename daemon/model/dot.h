/* dot.h - a state machine drawn as a graph for Graphviz */
#pragma once

/* States and events count from 1; the counts include the unused 0, as *_COUNT enumerators do. */
typedef struct DotGraph {
        const char *name;
        unsigned state_count, event_count;
        const char *(*state_name)(unsigned state);
        const char *(*event_name)(unsigned event);
        /* the states that the event may lead to, bit 1 << state each; 0: it stays */
        unsigned (*leads_to)(unsigned state, unsigned event);
} DotGraph;

/** dot_render() - one node a state, one edge a pair of states with all its events
 *  The order is that of the enums, so the text is the same each time.
 *  Return: malloc'd text that ends with a newline; NULL without memory */
char *dot_render(const DotGraph *graph);
