#include "optimizer/optimizer.h"

int main(int argc, char **argv)
{
    return bp__optimizer_main(argc, argv, NULL);
}
