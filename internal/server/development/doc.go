// Package development has what only a development server shows: everyone's mail
// and SMS (the inbox), the clock that can be set, and the logs of imports. It
// authenticates nobody, so a production server never mounts it.
//
// It may import api, audit, message, store, user and the edge. It reads what it
// shows from the services, and changes nothing but the clock.
package development
