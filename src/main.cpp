#include "cli/command.h"

int main(int argc, char** argv) { return diatom::cli::dispatch(argc, argv); }
