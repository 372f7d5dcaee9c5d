import { mount } from "./layout.mjs";
import { connect } from "./transport.mjs";

mount(document.querySelector(".glassnet-studio"), connect);
