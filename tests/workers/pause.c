/* pause.c - does nothing until a signal ends it, which its default action does */
#include <unistd.h>

int main(void)
{
        for (;;)
                pause();
}
