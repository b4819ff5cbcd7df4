/* definition.c - see definition.h */
#include "engine/definition.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static Definition *definition_make(PoolConfig *config, unsigned number, const Grid *grid)
{
        Definition *definition = calloc(1, sizeof(Definition));

        if (!definition)
                return NULL;
        *definition = (Definition){ .references = 1,
                                    .number = number,
                                    .config = pool_config_ref(config),
                                    .threads = grid->threads,
                                    .greenlets = grid->greenlets };
        return definition;
}

/* HOME, USER and SHELL are those of User=, as in systemd.exec(5). */
static void look_up_account(Definition *definition)
{
        const struct passwd *account = getpwuid(definition->identity.uid);

        if (!account)
                return;
        definition->user = strdup(account->pw_name);
        definition->home = strdup(account->pw_dir);
        definition->shell = strdup(account->pw_shell);
}

Definition *definition_new(PoolConfig *config, unsigned number, const Grid *grid,
                           bool ignore_identity)
{
        Definition *definition = definition_make(config, number, grid);
        char subject[80] = "pool ";

        if (!definition || ignore_identity || (!config->user && !config->group))
                return definition;
        (void)text_copy(subject + 5, sizeof(subject) - 5, config->name);
        if (spawn_identity_resolve(config->user, config->group, subject, &definition->identity,
                                   &definition->identity_error)
                    == 0
            && config->user)
                look_up_account(definition);
        return definition;
}

static int copy_identity(const SpawnIdentity *from, SpawnIdentity *to)
{
        *to = *from;
        to->groups = NULL;
        if (from->group_count == 0)
                return 0;
        to->groups = malloc(from->group_count * sizeof(gid_t));
        if (!to->groups) {
                to->group_count = 0;
                return -1;
        }
        memcpy(to->groups, from->groups, from->group_count * sizeof(gid_t));
        return 0;
}

Definition *definition_derive(const Definition *definition, unsigned number, const Grid *grid)
{
        AUTO(Definition) *derived = definition_make(definition->config, number, grid);

        if (!derived || copy_identity(&definition->identity, &derived->identity) < 0)
                return NULL;
        derived->identity_error = definition->identity_error;
        derived->user = definition->user ? strdup(definition->user) : NULL;
        derived->home = definition->home ? strdup(definition->home) : NULL;
        derived->shell = definition->shell ? strdup(definition->shell) : NULL;
        return TAKE_PTR(derived);
}

void definition_renew(Definition *definition, PoolConfig *config)
{
        PoolConfig *before = definition->config;

        definition->config = pool_config_ref(config);
        pool_config_unref(before);
}

Definition *definition_ref(Definition *definition)
{
        definition->references++;
        return definition;
}

Definition *definition_unref(Definition *definition)
{
        if (!definition || --definition->references > 0)
                return NULL;
        pool_config_unref(definition->config);
        spawn_identity_done(&definition->identity);
        free(definition->user);
        free(definition->home);
        free(definition->shell);
        free(definition);
        return NULL;
}
