#ifndef TOOLS_VERSION_H
#define TOOLS_VERSION_H

#define SLUICE_VERSION "0.1"

#endif
